import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";

const schema = {
  type: "object",
  properties: { founded: { type: "string" } },
  required: ["founded"],
  additionalProperties: false,
};
const text = { type: ["string", "null"] };
const described = { ...text, description: "the year" };
const fieldsOf = (properties: Record<string, object>) => ({
  output_schema: {
    type: "json",
    json_schema: { ...schema, properties, required: Object.keys(properties) },
  },
});
const asJson = { output_schema: { type: "json", json_schema: schema } };

async function understood(args: Record<string, unknown>) {
  const engine = await startTestEngine(async () => textResult("never"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const one = await client.call("create_task_run", { input: "CERN", dry_run: true, ...args });
  const { task_spec, ...beside } = args;
  const many = await client.call("create_task_group", {
    inputs: ["CERN"],
    dry_run: true,
    ...beside,
    ...(task_spec !== undefined && { default_task_spec: task_spec }),
  });
  return { one, many };
}

test.each([
  ["plain names", { output_fields: ["founded", "seat"] }, fieldsOf({ founded: text, seat: text })],
  [
    "names beside objects",
    { output_fields: [{ name: "founded", description: "the year" }, "seat"] },
    fieldsOf({ founded: described, seat: text }),
  ],
  ["one name", { output_fields: "founded" }, fieldsOf({ founded: text })],
  [
    "names in one text",
    { output_fields: "founded, seat" },
    fieldsOf({ founded: text, seat: text }),
  ],
  [
    "descriptions by name",
    { output_fields: { founded: "the year", seat: null } },
    fieldsOf({ founded: described, seat: text }),
  ],
  [
    "one field alone",
    { output_fields: { name: "founded", description: "the year" } },
    fieldsOf({ founded: described }),
  ],
  ["a JSON Schema as task_spec", { task_spec: schema }, asJson],
  ["a JSON Schema as text", { task_spec: JSON.stringify(schema) }, asJson],
  ["an output schema as task_spec", { task_spec: asJson.output_schema }, asJson],
  ["auto as task_spec", { task_spec: "auto" }, { output_schema: { type: "auto" } }],
  ["a description as task_spec", { task_spec: "a table" }, { output_schema: "a table" }],
  ["auto as output_schema", { output_schema: "auto" }, { output_schema: { type: "auto" } }],
  ["Text as output_schema", { output_schema: "Text" }, { output_schema: { type: "text" } }],
])("%s: understood for one run and for a group", async (_name, args, spec) => {
  const { one, many } = await understood(args);
  expect(one.report.request, one.text).toMatchObject({ task_spec: spec });
  expect(many.report.request, many.text).toMatchObject({ default_task_spec: spec });
  expect([one.report.warnings, many.report.warnings]).toEqual([undefined, undefined]);
});

test.each([
  [{ output_fields: ["founded", "founded"] }, "output_fields.1.name: the name is taken"],
  [{ output_fields: ["the year"] }, "output_fields.0.name: use 1 to 64 letters"],
  [{ output_fields: [{ nam: "founded" }] }, "output_fields.0.nam: unknown here; did you mean"],
  [{ output_fields: 7 }, "output_fields: write an array, not number"],
  [{ task_spec: { output_shema: "auto" } }, "task_spec.output_shema: unknown here; did you mean"],
  [{ task_spec: 7 }, "task_spec: write an object, not number"],
  [{ output_schema: "json" }, "task_spec.output_schema: write a description as a string, or"],
  [{ task_spec: { type: "array" } }, "task_spec.output_schema"],
])("%j is refused with what to write", async (args, problem) => {
  const { one, many } = await understood(args);
  expect(one.isError).toBe(true);
  expect(one.text).toContain(`- ${problem}`);
  expect(many.isError).toBe(true);
  expect(many.text).toContain(problem.replace(/^task_spec/, "default_task_spec"));
});
