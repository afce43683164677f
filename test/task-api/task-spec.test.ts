import { describe, expect, it } from "vitest";
import { requestedOutput, TaskSpec } from "../../src/task-api/task-spec.ts";

const schema = { type: "object", properties: { founded: { type: "string" } } };

describe("the requested output", () => {
  it.each([
    ["a bare string", "One paragraph.", { type: "text", description: "One paragraph." }],
    ["text", { type: "text" }, { type: "text", description: null }],
    ["text with null", { type: "text", description: null }, { type: "text", description: null }],
    [
      "text with a description",
      { type: "text", description: "A list." },
      { type: "text", description: "A list." },
    ],
    ["json", { type: "json", json_schema: schema }, { type: "json", jsonSchema: schema }],
    ["a schema without type", { json_schema: schema }, { type: "json", jsonSchema: schema }],
    ["auto", { type: "auto" }, { type: "auto" }],
    ["an empty object", {}, { type: "text", description: null }],
  ])("is read from %s", (_, outputSchema, requested) => {
    expect(requestedOutput(TaskSpec.parse({ output_schema: outputSchema }))).toEqual(requested);
  });

  it("is auto when there is no task spec", () => {
    expect(requestedOutput(null)).toEqual({ type: "auto" });
    expect(requestedOutput(undefined)).toEqual({ type: "auto" });
  });
});

describe("a task spec", () => {
  it.each([
    ["no output schema", {}],
    ["a number as output schema", { output_schema: 5 }],
    ["json without a schema", { output_schema: { type: "json" } }],
    ["a list as schema", { output_schema: { type: "json", json_schema: [] } }],
    ["an unknown type", { output_schema: { type: "table" } }],
  ])("says which forms there are when it has %s", (_, spec) => {
    const issues = TaskSpec.safeParse(spec).error?.issues ?? [];
    expect(issues.map((issue) => issue.path)).toEqual([["output_schema"]]);
    expect(issues[0]?.message).toContain('{"type":"json","json_schema":{…}}');
  });

  it("has no auto for the input", () => {
    const spec = { output_schema: "A list.", input_schema: { type: "auto" } };
    expect(TaskSpec.safeParse(spec).error?.issues.map((issue) => issue.path)).toEqual([
      ["input_schema"],
    ]);
  });
});
