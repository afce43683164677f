import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { readingBudget } from "../../src/engine/research/budgets.ts";
import { CHARACTERS_SHOWN } from "../../src/mcp/runs/characters-shown.ts";
import { describeTool, serverInfo, createCatalog } from "../../src/mcp/catalog.ts";
import { PROCESSORS } from "../../src/task-api/processors.ts";
import type { JsonObject } from "../../src/task-api/task-spec.ts";
import { clientKinds, connect } from "./connect.ts";

const BACKENDS = ["hosted", "custom", "embedded", "scripted"] as const;
type CatalogBackend = (typeof BACKENDS)[number];

const tokensIn = (value: unknown) => encode(JSON.stringify(value)).length;

const neverOpened = () => Promise.reject(new Error("the backend was opened"));

/** What a client is shown, as it goes over the wire. */
function shownTools(catalogBackend: CatalogBackend) {
  return createCatalog({ catalogBackend }).tools.map((tool) => ({
    name: tool.name,
    ...describeTool(tool),
    inputSchema: tool.shownInput,
    outputSchema: tool.shownOutput,
  }));
}

const firstSentence = (text: string) => /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;

/** In order: what its first sentence says it does, its hints, and what it must be given. */
const CATALOG = [
  ["create_task_run", /^Start a /, "openWorld", ["input"]],
  ["get_task_run", /^Status and result of a run/, "readOnly idempotent openWorld", ["run_id"]],
  ["cancel_task_run", /\bstop a run\b/i, "destructive idempotent openWorld", ["run_id"]],
  ["list_task_runs", /^The runs this server started/, "readOnly idempotent", []],
  ["create_task_group", /^Start .*\bmany\b.*\bretry\b/, "openWorld", []],
  [
    "get_task_group",
    /\bruns of a group\b.*\bresults\b/,
    "readOnly idempotent openWorld",
    ["taskgroup_id"],
  ],
  [
    "cancel_task_group",
    /\bstop the runs of a group\b/i,
    "destructive idempotent openWorld",
    ["taskgroup_id"],
  ],
] as const;

describe.each(BACKENDS)("with the backend %s", (backend) => {
  const tools = shownTools(backend);
  const { instructions } = createCatalog({ catalogBackend: backend });

  test.each(clientKinds)(
    "%s is shown what the catalog says, without asking the backend",
    async (kind) => {
      const client = await connect(neverOpened, { kind, catalogBackend: backend });
      const listed = await client.listTools();
      expect(
        listed.tools.map(({ name, description, inputSchema, annotations }) => ({
          name,
          description,
          inputSchema,
          annotations,
        })),
      ).toEqual(
        tools.map(({ name, description, inputSchema, annotations }) => ({
          name,
          description,
          inputSchema,
          annotations,
        })),
      );
      expect(client.instructions()).toBe(instructions);
    },
  );

  test("the tools come in order, each says in its first sentence what it does, sets all four hints, and requires what it must have", () => {
    expect(tools.map(({ name }) => name)).toEqual(CATALOG.map(([name]) => name));
    for (const [index, [name, does, hints, required]] of CATALOG.entries()) {
      const tool = tools[index];
      const sentence = firstSentence(tool?.description ?? "");
      expect(sentence, name).toMatch(does);
      expect(sentence.length, sentence).toBeLessThanOrEqual(180);
      expect(tool?.annotations, name).toEqual({
        title: tool?.title,
        readOnlyHint: hints.includes("readOnly"),
        destructiveHint: hints.includes("destructive"),
        idempotentHint: hints.includes("idempotent"),
        openWorldHint: hints.includes("openWorld"),
      });
      expect(tool?.inputSchema["required"] ?? [], name).toEqual(required);
    }
  });

  test("the list fits its budget", () => {
    expect(tokensIn(tools.slice(0, 4))).toBeLessThan(2_500);
    expect(tokensIn(tools)).toBeLessThan(4_000);
    expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThan(16_384);
    expect(tokensIn(instructions)).toBeLessThan(170);
  });

  test("names, lengths and keywords are those that every client takes", () => {
    const { name: server } = serverInfo("1");
    expect(JSON.stringify(tools)).not.toMatch(/"\$schema"|"\$ref"/);
    for (const { name, title, description } of tools) {
      // As the strictest hosts call it, and their models' APIs allow.
      expect(`mcp__${server}__${name}`).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(title.length).toBeLessThanOrEqual(40);
      expect(description.length, name).toBeLessThanOrEqual(1_024);
    }
  });

  test("every argument has a description of its own or of its members", () => {
    const silent = tools.flatMap(({ name, inputSchema }) =>
      Object.entries(inputSchema.properties)
        .filter(([, schema]) => typeof schema["description"] !== "string")
        .map(([argument]) => `${name}.${argument}`),
    );
    expect(silent).toEqual([]);
  });

  test("texts name only tools and arguments that are there", () => {
    const names: string[] = tools.map(({ name }) => name);
    const told =
      JSON.stringify([instructions, tools]).match(/\b(?:create|get|cancel|list)_task_[a-z]+\b/g) ??
      [];
    expect(names).toEqual(expect.arrayContaining(told));
  });
});

/** What a text about this backend would be wrong to say. */
const FALSE_CLAIMS: [CatalogBackend, RegExp][] = [
  ["embedded", /\$\d|hosted|Parallel|from the web:|hours|country/],
  ["scripted", /\$\d|hosted|Parallel|document folder/],
  ["hosted", /document|folder|free,/],
  ["custom", /document|folder|free,/],
];

test.each(FALSE_CLAIMS)(
  "with the backend %s nothing is said that is only so elsewhere",
  (backend, wrong) => {
    const { instructions } = createCatalog({ catalogBackend: backend });
    const texts: unknown[] = shownTools(backend).map(({ description, inputSchema }) => [
      description,
      inputSchema,
    ]);
    expect(JSON.stringify([instructions, texts])).not.toMatch(wrong);
  },
);

const processorText = (backend: CatalogBackend) =>
  JSON.stringify(propertyOf(shownTools(backend)[0]?.inputSchema, "processor"));

function propertyOf(
  schema: { properties: Readonly<Record<string, JsonObject>> } | undefined,
  name: string,
): JsonObject | undefined {
  return schema?.properties[name];
}

test("prices are told once, with every tier of the contract; another backend's may differ", () => {
  const tiers = PROCESSORS.filter(({ name }) => !name.endsWith("-fast"));
  for (const backend of ["hosted", "custom"] as const) {
    expect(JSON.stringify(shownTools(backend)).match(/ultra8x \$2\.4/g)).toHaveLength(1);
    for (const { name, priceUsd } of tiers) {
      expect(processorText(backend)).toContain(`${name} $${priceUsd} `);
    }
  }
  expect(processorText("hosted")).toContain("lite $0.005 10 s-2 min");
  expect(processorText("hosted")).not.toMatch(/may not/);
  expect(processorText("custom")).toMatch(/Parallel's list, which this backend may not follow/);
});

test("with documents, tiers are told by how much of them an answer shows", () => {
  for (const { name } of PROCESSORS) {
    const tier = name.replace("-fast", "");
    expect(CHARACTERS_SHOWN[tier], name).toBe(readingBudget(name).chars);
  }
  expect(processorText("embedded")).toContain("core and above up to 3,200");
});

test.each([
  [
    { toolsets: ["runs"] },
    ["create_task_run", "get_task_run", "cancel_task_run", "list_task_runs"],
  ],
  [{ toolsets: ["groups"] }, ["create_task_group", "get_task_group", "cancel_task_group"]],
  [{ isReadOnly: true }, ["get_task_run", "list_task_runs", "get_task_group"]],
  [{ isReadOnly: true, toolsets: ["groups"] }, ["get_task_group"]],
] as const)(
  "with %o the agent gets %o, and instructions about nothing else",
  async (deps, names) => {
    const client = await connect(neverOpened, deps);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(names);
    const named = client.instructions().match(/\w+_task_\w+/g) ?? [];
    expect(names).toEqual(expect.arrayContaining(named));
  },
);
