import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { exampleValue } from "../../../src/engine/executors/scripted/example-value.ts";
import type { JsonObject } from "../../../src/task-api/task-spec.ts";
import { load } from "../../load.ts";

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

function problemsOf(schema: JsonObject): unknown[] {
  const validate = new Ajv2020({ strict: false }).compile(schema);
  return validate(exampleValue(schema)) ? [] : (validate.errors ?? []);
}

test("every property has a value of its type, and enums their first", () => {
  const schema = object({
    name: { type: "string" },
    year: { type: "integer" },
    share: { type: ["null", "number"] },
    known: { type: "boolean" },
    tier: { enum: ["gold", "silver"] },
    unit: { const: "USD" },
    tags: { type: "array", items: { type: "string" } },
    either: { anyOf: [{ type: "null" }, object({ deep: { type: "string" } })] },
    anything: { description: "No type at all" },
  });
  expect(exampleValue(schema)).toEqual({
    name: "…",
    year: 0,
    share: 0,
    known: false,
    tier: "gold",
    unit: "USD",
    tags: ["…"],
    either: { deep: "…" },
    anything: "…",
  });
});

test("definitions are followed, and a schema that contains itself ends", () => {
  const person = object({
    name: { type: "string" },
    friends: { type: "array", items: { $ref: "#/$defs/person" } },
    boss: { anyOf: [{ $ref: "#/$defs/person" }, { type: "null" }] },
  });
  const schema = object({ author: { $ref: "#/$defs/person" } }, { $defs: { person } });
  expect(exampleValue(schema)).toEqual({ author: { name: "…", friends: [], boss: null } });
});

test("parts that must all hold are put together", () => {
  const schema = object(
    {
      item: {
        allOf: [
          { $ref: "#/$defs/named" },
          { type: "object", properties: { size: { type: "number" } }, required: ["size"] },
        ],
      },
    },
    { $defs: { named: object({ name: { type: "string" } }, { additionalProperties: true }) } },
  );
  expect(exampleValue(schema)).toEqual({ item: { name: "…", size: 0 } });
  expect(problemsOf(schema)).toEqual([]);
});

test("a schema that multiplies without limit is answered in bounded time", () => {
  const levels = Object.fromEntries(
    Array.from({ length: 30 }, (_, level) => {
      const next = { $ref: `#/$defs/level${level + 1}` };
      return [`level${level}`, object({ a: next, b: next })];
    }),
  );
  const $defs = { ...levels, level30: { type: "string" } };
  const schema = object({ top: { $ref: "#/$defs/level0" } }, { $defs });
  expect(JSON.stringify(exampleValue(schema)).length).toBeLessThan(1_000_000);
});

const { schema: anySchema } = fc.letrec<{ schema: JsonObject; object: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("string", "number", "integer", "boolean").map((type) => ({ type })),
    fc.constantFrom("string", "number", "integer", "boolean").map((type) => ({
      type: [type, "null"],
    })),
    fc.constantFrom<JsonObject>(
      { enum: ["a", "b"] },
      { type: ["string", "null"], enum: [null, "c"] },
      { const: 7 },
      { $ref: "#/$defs/shared" },
    ),
    tie("schema").map((items) => ({ type: "array", items })),
    fc.tuple(tie("schema"), tie("schema")).map((anyOf) => ({ anyOf })),
    fc.tuple(tie("schema"), tie("schema")).map((prefixItems) => ({ type: "array", prefixItems })),
    tie("object"),
  ),
  object: fc
    .dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie("schema"), { maxKeys: 4 })
    .map((properties) => object(properties)),
}));

test("the value follows whatever schema was asked for", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), anySchema, { maxKeys: 5 }),
      (properties) => {
        const $defs = { shared: object({ id: { type: "integer" } }) };
        expect(problemsOf(object(properties, { $defs }))).toEqual([]);
      },
    ),
    { numRuns: load({ full: 60, short: 10 }) },
  );
});
