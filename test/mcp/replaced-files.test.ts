import { expect, test } from "vitest";
import { BackendUnavailable } from "../../src/mcp/runs/backend.ts";
import { filesWereReplaced } from "../../src/mcp/replaced-files.ts";

test("a part of the program that is gone is told from other failures", () => {
  const missing = Object.assign(new Error("x"), { code: "ERR_MODULE_NOT_FOUND" });
  expect(filesWereReplaced(missing)).toBe(true);
  expect(filesWereReplaced(new BackendUnavailable("x", { cause: missing }))).toBe(true);
  const other = "The requested module './a.js' does not provide an export named 'b'";
  expect(filesWereReplaced(new SyntaxError(other))).toBe(true);
  expect(filesWereReplaced(new Error("ENOENT"))).toBe(false);
});
