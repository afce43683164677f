import { expect, test } from "vitest";
import { createTaskRun } from "../../src/mcp/tools/create-task-run.ts";
import { readJsonText } from "../../src/mcp/read-json-text.ts";
import { shownSchema } from "../../scripts/tool-schema.ts";

const schema = shownSchema(createTaskRun.input, "input");

test("objects, lists, numbers and booleans that arrive as JSON text are read", () => {
  expect(
    readJsonText(
      {
        metadata: '{"team":"search"}',
        output_fields: '[{"name":"gdp"}]',
        wait_seconds: "12.5",
        dry_run: "true",
      },
      schema,
    ),
  ).toEqual({
    metadata: { team: "search" },
    output_fields: [{ name: "gdp" }],
    wait_seconds: 12.5,
    dry_run: true,
  });
});

test("JSON text inside an object, and inside JSON text, is read too", () => {
  expect(
    readJsonText(
      {
        source_policy: '{"include_domains":"[\\"example.com\\"]"}',
        task_spec: { output_schema: { type: "json", json_schema: '{"type":"object"}' } },
      },
      schema,
    ),
  ).toEqual({
    source_policy: { include_domains: ["example.com"] },
    task_spec: { output_schema: { type: "json", json_schema: { type: "object" } } },
  });
});

test("text stays text where the schema admits a string, and where it is not what the schema wants", () => {
  const args = {
    input: '{"country":"France"}',
    processor: "12",
    metadata: "[1]",
    wait_seconds: "soon",
    dry_run: '"true"',
    unknown: "[1]",
  };
  expect(readJsonText(args, schema)).toEqual(args);
});

test("values deeper than any schema pass through", () => {
  let deep: unknown = "end";
  for (let level = 0; level < 20_000; level += 1) deep = [deep];
  expect(readJsonText({ input: { deep } }, schema)).toEqual({ input: { deep } });
});
