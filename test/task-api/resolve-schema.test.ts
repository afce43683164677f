import { describe, expect, test } from "vitest";
import { resolveSchema } from "../../src/task-api/schema/resolve-schema.ts";
import { isJsonObject, type JsonObject } from "../../src/task-api/task-spec.ts";

const root: JsonObject = {
  $id: "https://example.com/report",
  $defs: {
    money: { type: "number", description: "US dollars" },
    "a/b~c": { type: "string" },
    named: { $anchor: "name", type: "string", description: "a name" },
    circle: { $ref: "#/$defs/circle" },
    mirror: { allOf: [{ $ref: "#/$defs/mirror" }] },
    list: { type: "array", items: { $ref: "#/$defs/list" } },
  },
};

function resolve(node: JsonObject, followed?: readonly string[]) {
  const { schema, alternatives } = resolveSchema(root, node, followed) ?? {};
  return { schema, alternatives };
}

describe("a reference", () => {
  test.each([
    ["#/$defs/money", "number"],
    ["#/$defs/a~1b~0c", "string"],
    ["#/%24defs/money", "number"],
    ["#name", "string"],
    ["https://example.com/report#/$defs/money", "number"],
    ["#/$defs/nowhere", undefined],
    ["https://example.com/other", undefined],
  ])("to %s is followed inside the schema", ($ref, type) => {
    expect(resolve({ $ref }).schema?.["type"]).toBe(type);
  });

  test("adds its keywords; a description beside it wins", () => {
    const node = { $ref: "#/$defs/money", description: "Revenue", minimum: 0 };
    expect(resolve(node)).toEqual({
      schema: { type: "number", description: "Revenue", minimum: 0 },
      alternatives: [],
    });
  });

  test("that leads back to itself has no end", () => {
    expect(resolveSchema(root, { $ref: "#/$defs/circle" })).toBeUndefined();
    expect(resolveSchema(root, { $ref: "#/$defs/mirror" })).toBeUndefined();
    expect(resolveSchema(root, { $ref: "#/$defs/money" }, ["#/$defs/money"])).toBeUndefined();
  });

  test("inside the schema that it names is not followed, but known to the caller", () => {
    const resolved = resolveSchema(root, { $ref: "#/$defs/list" });
    expect(resolved?.schema).toEqual({ type: "array", items: { $ref: "#/$defs/list" } });
    expect(resolved?.followed).toEqual(["#/$defs/list"]);
  });

  test("in a part of allOf keeps what stands beside it", () => {
    const part = { $ref: "#/$defs/money", description: "Revenue", minimum: 0 };
    expect(resolve({ allOf: [part, { title: "Both" }] }).schema).toEqual({
      type: "number",
      description: "Revenue",
      minimum: 0,
      title: "Both",
    });
  });

  test("may stand beside allOf", () => {
    const node = { $ref: "#/$defs/money", allOf: [{ $ref: "#name" }, { title: "Both" }] };
    expect(resolve(node).schema).toMatchObject({ title: "Both" });
  });
});

describe("alternatives", () => {
  test.each(["anyOf", "oneOf"])("of %s have the keywords around them", (keyword) => {
    const choice = [{ type: "string" }, { type: "null" }];
    const { schema, alternatives } = resolve({ title: "T", description: "D", [keyword]: choice });
    expect(schema).toEqual({ title: "T", description: "D" });
    expect(alternatives).toEqual([
      { title: "T", description: "D", type: "string" },
      { title: "T", description: "D", type: "null" },
    ]);
  });

  test("come with the reference that has them", () => {
    const document = { $defs: { choice: { anyOf: [{ type: "string" }, { type: "number" }] } } };
    const resolved = resolveSchema(document, { $ref: "#/$defs/choice", title: "T" });
    expect(resolved?.alternatives).toEqual([
      { title: "T", type: "string" },
      { title: "T", type: "number" },
    ]);
  });
});

test("parts of allOf add up: properties, required names, and the types that all admit", () => {
  const { schema = {} } = resolve({
    type: ["object", "null"],
    properties: { a: { type: "string" } },
    required: ["a"],
    allOf: [
      { type: "object", properties: { a: { minLength: 1 }, b: {} }, required: ["b"] },
      { allOf: [{ required: ["c"] }] },
    ],
  });
  expect(schema["type"]).toEqual(["object"]);
  expect(schema["required"]).toEqual(["a", "b", "c"]);
  const { properties } = schema;
  expect(isJsonObject(properties) && properties["a"]).toEqual({
    allOf: [{ type: "string" }, { minLength: 1 }],
  });
});
