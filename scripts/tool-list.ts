// Writes src/mcp/tool-list.ts, what clients are shown of the tools, from their definitions. Run it with
// `npm run docs:tools`; a test compares the two.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { shownSchema } from "./tool-schema.ts";
import { TOOLS } from "../src/mcp/tools.ts";

const FILE = new URL("../src/mcp/tool-list.ts", import.meta.url);

/** The source of the module, as it should be. */
export function composeToolList(): string {
  const list = TOOLS.map(({ name, toolset, title, description, hints, input, output }) => ({
    name,
    toolset,
    title,
    description,
    hints,
    shownInput: shownSchema(input, "input"),
    shownOutput: shownSchema(output, "output"),
  }));
  return [
    "// Made by `npm run docs:tools` from the definitions in tools/; a test compares it with them. A host that starts this",
    "// program waits for the list only, so the definitions, and all they need, are read with the first call.",
    'import type { ListedTool } from "./tool.ts";',
    "",
    "export const TOOL_LIST: readonly ListedTool[] = [",
    ...list.map((tool) => `  ${JSON.stringify(tool)},`),
    "];",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(FILE, composeToolList());
