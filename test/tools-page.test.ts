import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { composeToolList } from "../scripts/tool-list.ts";
import { composeToolsPage } from "../scripts/tools-page.ts";
import { TOOL_LIST } from "../src/mcp/tool-list.ts";

test("docs/tools.md says what the tools are and what they answer; npm run docs:tools writes it anew", async () => {
  const page = await readFile(new URL("../docs/tools.md", import.meta.url), "utf8");
  expect(await composeToolsPage()).toBe(page);
});

test("what clients are shown of the tools is what the definitions say; npm run docs:tools writes it anew", () => {
  const made = composeToolList()
    .split("\n")
    .filter((line) => line.startsWith("  {"));
  expect(made.map((line) => JSON.parse(line.replace(/,$/, "")))).toEqual(TOOL_LIST);
});
