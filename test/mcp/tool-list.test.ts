import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { clientKinds, connect } from "./connect.ts";

const tokensIn = (value: unknown) => encode(JSON.stringify(value)).length;

const neverOpened = () => Promise.reject(new Error("the backend was opened"));

test.each(clientKinds)("%s: the tools come in order, with all four hints", async (kind) => {
  const client = await connect(neverOpened, { kind });
  const { tools } = await client.listTools();
  expect(tools.map(({ name, annotations }) => ({ name, annotations }))).toEqual([
    {
      name: "create_task_run",
      annotations: {
        title: "Start a task run",
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    {
      name: "get_task_run",
      annotations: {
        title: "Get a task run",
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: true,
      },
    },
    {
      name: "cancel_task_run",
      annotations: {
        title: "Cancel a task run",
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: true,
        openWorldHint: true,
      },
    },
    {
      name: "list_task_runs",
      annotations: {
        title: "List task runs",
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    {
      name: "create_task_group",
      annotations: {
        title: "Start many task runs",
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    {
      name: "get_task_group",
      annotations: {
        title: "Get a task group",
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: true,
      },
    },
    {
      name: "cancel_task_group",
      annotations: {
        title: "Cancel a task group",
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: true,
        openWorldHint: true,
      },
    },
  ]);
});

test.each(clientKinds)(
  "%s: the list fits its budget of tokens and holds no $schema",
  async (kind) => {
    const client = await connect(neverOpened, { kind });
    const { tools } = await client.listTools();
    expect(JSON.stringify(tools)).not.toContain("$schema");
    expect(tokensIn(tools.slice(0, 4))).toBeLessThan(2_500);
    expect(tokensIn(tools)).toBeLessThan(4_000);
    expect(JSON.stringify(tools).length).toBeLessThan(16_000);
    expect(tokensIn(client.instructions())).toBeLessThan(170);
  },
);

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

test("every argument has a description or a name that explains itself", async () => {
  const client = await connect(neverOpened);
  const { tools } = await client.listTools();
  const silent = tools.flatMap(({ name, inputSchema }) =>
    Object.entries(inputSchema.properties)
      .filter(([, schema]) => !JSON.stringify(schema).includes('"description":"'))
      .map(([argument]) => `${name}.${argument}`),
  );
  expect(silent).toEqual([
    "create_task_run.memory_scope_key",
    "get_task_run.run_id",
    "cancel_task_run.run_id",
    "list_task_runs.taskgroup_id",
    "list_task_runs.until",
    "get_task_group.taskgroup_id",
    "cancel_task_group.taskgroup_id",
  ]);
});

test("the price table is told once, with every tier of the contract", async () => {
  const client = await connect(neverOpened);
  const text = JSON.stringify(await client.listTools());
  expect(text.match(/ultra8x \$2\.4/g)).toHaveLength(1);
  expect(text).toContain("lite $0.005 10 s-2 min");
});
