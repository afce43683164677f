// Writes src/mcp/tool-list.ts, the tools as `tools/list` returns them, from their definitions. Run `npm run docs:tools`;
// a test compares the two.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { shownSchema } from "./tool-schema.ts";
import type { Tool, ToolTexts } from "../src/mcp/tool.ts";
import { JsonObject } from "../src/task-api/task-spec.ts";
import { TOOLS } from "../src/mcp/tools.ts";

const FILE = new URL("../src/mcp/tool-list.ts", import.meta.url);

/** Returns the source text of the module. */
export function composeToolList(): string {
  const list = TOOLS.map((tool) => {
    const { name, toolset, title, description, hints, input, output, isForHost } = tool;
    const otherWords = otherWordsOf(tool);
    return {
      name,
      toolset,
      title,
      description,
      hints,
      shownInput: shownSchema(input, "input"),
      shownOutput: shownSchema(output, "output"),
      ...(isForHost && { isForHost }),
      ...(Object.keys(otherWords).length > 0 && { otherWords }),
    };
  });
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

const Texts = z.record(z.string(), z.string().nullable());

/** Texts that differ for other backends, by backend. */
export function otherWordsOf({ otherWords = {}, input }: Tool): ToolTexts {
  const properties = JsonObject.parse(z.toJSONSchema(input, { io: "input" }).properties);
  const ofArguments = Object.entries(properties).map(
    ([argument, schema]) =>
      [argument, Texts.parse(JsonObject.parse(schema)["otherWords"] ?? {})] as const,
  );
  const backends = ["hosted", "custom", "embedded", "scripted", "host"] as const;
  return Object.fromEntries(
    backends.flatMap((backend) => {
      const description = otherWords[backend]?.description;
      const args = ofArguments.flatMap(([argument, { [backend]: text }]) =>
        text === undefined ? [] : [[argument, text] as const],
      );
      const own = {
        ...(description !== undefined && { description }),
        ...(args.length > 0 && { arguments: Object.fromEntries(args) }),
      };
      return Object.keys(own).length === 0 ? [] : [[backend, own] as const];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(FILE, composeToolList());
