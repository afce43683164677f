// Writes docs/tools.md from the tool definitions, with real answers of the built-in engine to the examples.
// Run `npm run docs:tools`; a test compares the page with this output.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { pino } from "pino";
import { z } from "zod";
import { systemClock } from "../src/runtime/clock.ts";
import { openBackend } from "../src/commands/wiring/open-backend.ts";
import { createServerFactory } from "../src/mcp/server.ts";
import type { Tool, ToolTexts } from "../src/mcp/tool.ts";
import { otherWordsOf } from "./tool-list.ts";
import { shownSchema } from "./tool-schema.ts";
import { TOOLS } from "../src/mcp/tools.ts";

const PAGE = new URL("../docs/tools.md", import.meta.url);
const DOCUMENTS = fileURLToPath(new URL("../examples/documents", import.meta.url));

const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
  description: z.string().optional(),
});
const Shown = z.looseObject({
  properties: z.record(z.string(), Schema),
  required: z.array(z.string()).default([]),
});
const Result = z.object({
  content: z.array(z.object({ text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
});

interface Example {
  tool: string;
  /** What the example shows, for the line above it. */
  about: string;
  args: Record<string, unknown>;
}

type Call = (tool: string, args: Record<string, unknown>) => Promise<z.infer<typeof Result>>;

/** Returns the text of the page. */
export async function composeToolsPage(): Promise<string> {
  const examples = await withServer(runExamples);
  const sections = TOOLS.map((tool) => [
    describeTool(tool),
    ...examples.filter(({ example }) => example.tool === tool.name).map(exampleText),
  ]);
  return `${[INTRODUCTION, ...sections.flat()].join("\n\n")}\n`;
}

const INTRODUCTION = `# The tools

<!-- Made by \`npm run docs:tools\` from the tool definitions; a test compares it with them. -->

Every tool answers with the same report twice: as text and as \`structuredContent\`. Each is complete without the other.
\`summary\` says what happened, and \`next_step\` names the next call. The text puts output of the run, which may come from the
web, behind a fence after the server's own words. A run that failed is a normal answer; \`isError\` means that the call itself
failed.

Descriptions, prices and tiers depend on the backend in use. The tables below are for the hosted API, with the arguments of
all backends. Under each table are the differences between backends: another base URL or your own price list (\`custom\`),
the built-in engine over documents (\`embedded\`), and a script (\`scripted\`).

## Arguments

- Every argument is shown with one type, because some models' APIs refuse all tools when one has a union type. Where the
  type is text but the value is an object (\`input\`, a JSON Schema, \`metadata\`), the server accepts the object too.
- Null, an empty text, an empty list and an empty object mean "not set", at every depth.
- The server accepts other known names of an argument, such as \`output_schema\` for \`task_spec.output_schema\`. Arguments of a
  run beside the \`inputs\` of a group apply to all inputs.
- A name that looks like a misspelt argument is refused before anything is spent. Any other unknown name is ignored and named
  in the report, because some hosts add their own.
- The API's sources disagree on some rules: the length of labels, keywords of schemas, wildcards of domains, countries. The
  server sends such a request with a warning, and the warning explains a refusal by the backend. A dry run asks the backend
  in advance if it can check a request without starting a run; the built-in engine can.

## Results

- Text from outside is well-formed Unicode without control characters, escape sequences, direction marks or other invisible
  characters. Everything else is unchanged.
- A number with more digits than JSON readers keep (\`653247040368672768\`, \`1e400\`) becomes text with the same digits. A note
  names its place.
- A retried input of a group is one input: counts, rows and exports show its latest attempt.
- \`get_task_group\` with \`view: "export"\` returns the whole results of a group in pages. The resource
  \`task-group://{taskgroup_id}/results.csv\` or \`.jsonl\` returns them at once, up to 4 MB. In CSV, a cell that a spreadsheet
  would run as a formula starts with an apostrophe, because its text may come from the web; numbers such as \`-5.2 %\` are
  unchanged. JSON lines hold every value unchanged.

The answers below are real ones of the built-in engine over the example documents. Only ids, times and fence boundaries are
replaced.`;

async function runExamples(call: Call): Promise<{ example: Example; text: string }[]> {
  const shown: { example: Example; text: string }[] = [];
  const show = async (example: Example): Promise<Record<string, unknown>> => {
    const { content, structuredContent = {} } = await call(example.tool, example.args);
    shown.push({ example, text: content.map(({ text }) => text).join("\n\n") });
    return structuredContent;
  };
  const input = "What was the GDP of France in 2023?";
  const { run_id } = await show({ tool: "create_task_run", about: "A question:", args: { input } });
  await show({
    tool: "create_task_run",
    about: "A dry run, with the price and how the request was understood:",
    args: { input: "France", output_fields: [{ name: "gdp" }], dry_run: true },
  });
  await show({
    tool: "create_task_run",
    about: "Invalid arguments (`isError`):",
    args: {
      input,
      output_fields: [{ name: "a b" }],
      source_policy: { include_domains: ["https://a.org"] },
    },
  });
  await call("get_task_run", { run_id });
  await show({ tool: "get_task_run", about: "The answer:", args: { run_id, wait_seconds: 0 } });
  await show({
    tool: "get_task_run",
    about: "The short status, for polling:",
    args: { run_id, wait_seconds: 0, view: "status" },
  });
  await show({ tool: "cancel_task_run", about: "A cancel that comes too late:", args: { run_id } });
  await show({ tool: "list_task_runs", about: "The runs of this server:", args: {} });
  const { taskgroup_id } = await show({
    tool: "create_task_group",
    about: "One question for three countries:",
    args: {
      inputs: ["GDP of France in 2023", "GDP of Germany in 2023", "GDP of Japan in 2023"],
      processor: "lite",
      wait_seconds: 30,
    },
  });
  await call("get_task_group", { taskgroup_id });
  await show({
    tool: "create_task_group",
    about: "A retry of failed runs (there are none here):",
    args: { taskgroup_id, retry_failed: true },
  });
  await show({
    tool: "get_task_group",
    about: "The results:",
    args: { taskgroup_id, wait_seconds: 0 },
  });
  await show({
    tool: "get_task_group",
    about: "Whole results, as CSV:",
    args: { taskgroup_id, view: "export" },
  });
  await show({
    tool: "cancel_task_group",
    about: "Nothing left to cancel:",
    args: { taskgroup_id },
  });
  return shown;
}

async function withServer<Value>(use: (call: Call) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-docs-"));
  const log = pino({ level: "silent" });
  const backend = await openBackend(
    {
      kind: "embedded",
      engine: {
        documents: [DOCUMENTS],
        script: undefined,
        executors: { "*": "extractive" },
        databasePath: join(folder, "engine.sqlite"),
        allowNetworks: [],
        webhookSecrets: [],
        retentionDays: undefined,
        strictOutput: false,
      },
    },
    { pricesFile: undefined, ledgerPath: join(folder, "ledger.sqlite") },
    { version: "docs", log },
  );
  const client = new Client({ name: "docs", version: "1" });
  try {
    const factory = createServerFactory({
      backend: async () => backend,
      version: "docs",
      log,
      clock: systemClock,
    });
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    await factory().connect(theirs);
    await client.connect(ours);
    return await use(async (name, args) =>
      Result.parse(await client.callTool({ name, arguments: args })),
    );
  } finally {
    await client.close();
    await backend.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function describeTool(tool: Tool): string {
  const { name, title, description, input, hints } = tool;
  const { properties, required } = Shown.parse(shownSchema(input, "input"));
  const rows = Object.entries(properties).map(([argument, schema]) => {
    const isRequired = required.includes(argument) ? " (required)" : "";
    return `| \`${argument}\`${isRequired} | ${typeText(schema)} | ${cell(schema.description ?? "")} |`;
  });
  const set = Object.entries(hints).filter(([, isSet]) => isSet);
  return [
    `## \`${name}\``,
    `**${title}.** ${description}`,
    `Hints: ${set.map(([hint]) => `\`${hint}\``).join(", ") || "none"}.`,
    ["| argument | type | meaning |", "| --- | --- | --- |", ...rows].join("\n"),
    ...Object.entries(otherWordsOf(tool)).map(([backend, words]) => otherText(backend, words)),
  ].join("\n\n");
}

/** Texts that differ for another backend. */
function otherText(
  backend: string,
  { description, arguments: texts = {} }: NonNullable<ToolTexts["embedded"]>,
): string {
  const all = Object.entries(texts);
  const hidden = all.flatMap(([name, text]) => (text === null ? [`\`${name}\``] : []));
  return [
    `With \`${backend}\`:`,
    "",
    ...(description === undefined ? [] : [`- ${description}`]),
    ...all.flatMap(([name, text]) => (text === null ? [] : [`- \`${name}\`: ${text}`])),
    ...(hidden.length === 0 ? [] : [`- not shown: ${hidden.join(", ")}`]),
  ].join("\n");
}

function typeText({ type, enum: values, anyOf }: z.infer<typeof Schema>): string {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(", ");
  if (anyOf !== undefined) return anyOf.map((member) => member.type ?? "value").join(" or ");
  return typeof type === "string" ? type : (type?.join(" or ") ?? "value");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function exampleText({ example, text }: { example: Example; text: string }): string {
  const asked = JSON.stringify(example.args, null, 2);
  return steady(
    `${example.about}\n\n\`\`\`json\n${asked}\n\`\`\`\n\n\`\`\`\`text\n${text}\n\`\`\`\``,
  );
}

/** Replaces what differs from run to run: ids, times and fence boundaries. */
function steady(text: string): string {
  return text
    .replaceAll(/\b(trun|tgrp)_[0-9a-f]{8}[0-9a-f]+/g, "$1_0123456789abcdef")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "2026-11-24T09:00:00Z")
    .replaceAll(/(?<=<<<data )[\w-]{6}(?=:)|^[\w-]{6}(?=>>>$)/gm, "7fQx2k");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(PAGE, await composeToolsPage());
}
