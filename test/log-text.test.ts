import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a log line holds no character that could harm who reads it, and no secret in pieces", async () => {
  const script = fileURLToPath(new URL("log-process.ts", import.meta.url));
  const { stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", script]);
  expect(stderr.endsWith("}\n")).toBe(true);
  const entry = JSON.parse(stderr);
  expect(entry).toMatchObject({ step: "ab\ufffd", n: "[redacted]", msg: "said this\nline" });
  expect(entry.err.message).toBe("x");
});
