import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { composeToolsPage } from "../scripts/tools-page.ts";

test("docs/tools.md says what the tools are and what they answer; npm run docs:tools writes it anew", async () => {
  const page = await readFile(new URL("../docs/tools.md", import.meta.url), "utf8");
  expect(await composeToolsPage()).toBe(page);
});
