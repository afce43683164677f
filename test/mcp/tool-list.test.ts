import { expect, test } from "vitest";
import { clientKinds, connect } from "./connect.ts";

/** JSON of schemas and English are about four characters a token; three and a half is on the safe side. */
const CHARS_PER_TOKEN = 3.5;

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
  ]);
});

test.each(clientKinds)("%s: the list holds no $schema and fits 2,500 tokens", async (kind) => {
  const client = await connect(neverOpened, { kind });
  const text = JSON.stringify(await client.listTools());
  expect(text).not.toContain("$schema");
  expect(text.length / CHARS_PER_TOKEN).toBeLessThan(2_500);
  expect(client.instructions().length / CHARS_PER_TOKEN).toBeLessThan(150);
});

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
  ]);
});

test("the price table is told once, with every tier of the contract", async () => {
  const client = await connect(neverOpened);
  const text = JSON.stringify(await client.listTools());
  expect(text.match(/ultra8x \$2\.4/g)).toHaveLength(1);
  expect(text).toContain("lite $0.005 10 s-2 min");
});
