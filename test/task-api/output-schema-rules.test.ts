import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkOutputSchema,
  checkTaskSpec,
  OutputSchemaLimits,
} from "../../src/task-api/schema/output-schema-rules.ts";
import { RunInput, RunInputLimits } from "../../src/task-api/run-input.ts";
import type { JsonObject } from "../../src/task-api/task-spec.ts";

/** An object schema that breaks no rule. */
function object(properties: JsonObject): JsonObject {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

const text = { type: "string" };

/** Objects inside each other, the root included. */
function nested(levels: number): JsonObject {
  let schema: JsonObject = object({ leaf: text });
  for (let level = 1; level < levels; level += 1) schema = object({ inner: schema });
  return schema;
}

const errorsOf = (schema: JsonObject) => checkOutputSchema(schema).errors.map(told);
const warningsOf = (schema: JsonObject) => checkOutputSchema(schema).warnings.map(told);
const told = ({ pointer, message }: { pointer: string; message: string }) =>
  `${pointer}: ${message}`;

describe("an output schema", () => {
  it("that follows every rule has no problem", () => {
    const schema = object({
      name: { type: "string", description: "As the observatory writes it." },
      founded: { type: ["integer", "null"] },
      status: { enum: ["open", "closed"] },
      director: { anyOf: [{ type: "string" }, { type: "null" }] },
      telescopes: { type: "array", items: object({ aperture_m: { type: "number" } }) },
    });
    expect(checkOutputSchema({ description: "Be brief.", ...schema })).toEqual({
      errors: [],
      warnings: [],
    });
  });

  it("is an object at its root", () => {
    expect(errorsOf({ ...object({ a: text }), type: "array" })).toEqual([
      '/type: the root must be an object: write "type": "object"',
    ]);
    expect(errorsOf({ ...object({ a: text }), type: ["object", "null"] })).toHaveLength(1);
    expect(errorsOf({})).toEqual([
      '/type: the root must be an object: write "type": "object"',
      '/properties: the root needs "properties": name the fields of the output',
    ]);
  });

  it("has no anyOf at its root, but may have one below", () => {
    const alternatives = { anyOf: [text, { type: "number" }] };
    expect(errorsOf({ ...object({ a: text }), ...alternatives })).toEqual([
      "/anyOf: the root cannot be an anyOf: move the alternatives into a property",
    ]);
    expect(errorsOf(object({ a: alternatives }))).toEqual([]);
  });

  it.each([
    ["by itself", { type: "null" }],
    ["in a union of one", { type: ["null"] }],
    ["in the items of an array", { type: "array", items: { type: "null" } }],
    ["below an alternative", { anyOf: [object({ b: { type: "null" } })] }],
  ])("has no null %s", (_, schema) => {
    expect(errorsOf(object({ a: schema }))).toEqual([
      expect.stringMatching(/^\/properties\/a.*\/type: "null" cannot stand alone/),
    ]);
  });

  it.each(["anyOf", "oneOf"])("may have a null in %s, which is a union", (keyword) => {
    expect(errorsOf(object({ a: { [keyword]: [text, { type: "null" }] } }))).toEqual([]);
  });

  it("is refused for good only by rules that all sources tell of", () => {
    const { errors } = checkOutputSchema(
      object({ a: { ...text, minLength: 1, pattern: "x", format: "date" }, b: { type: "null" } }),
    );
    expect(errors.map(({ pointer, isDisputed = false }) => [pointer, isDisputed])).toEqual([
      ["/properties/a/minLength", true],
      ["/properties/a/pattern", true],
      ["/properties/a/format", true],
      ["/properties/b/type", false],
    ]);
  });

  it("requires every property and allows no others, or is warned about it", () => {
    const loose = { type: "object", properties: { a: text, "b/c~d": text }, required: ["a"] };
    expect(warningsOf(object({ list: { type: "array", items: loose } }))).toEqual([
      '/properties/list/items/additionalProperties: write "additionalProperties": false on every object',
      '/properties/list/items/properties/b~1c~0d: add "b/c~d" to "required"; a field that may be empty has "type": ["string", "null"]',
    ]);
  });

  it.each([
    "contains",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "patternProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
  ])("may have a field, but not a keyword, named %s", (name) => {
    expect(errorsOf(object({ [name]: text }))).toEqual([]);
    expect(errorsOf(object({ a: { ...text, [name]: 1 } }))).toEqual([
      `/properties/a/${name}: "${name}" is not supported: remove it and say it in the description`,
    ]);
  });

  it.each(["citations", "confidence", "evidence", "reasoning", "source", "source_urls", "sources"])(
    "is warned about the output field %s, which basis carries",
    (name) => {
      expect(warningsOf(object({ [name]: text }))).toEqual([
        expect.stringMatching(new RegExp(`^/properties/${name}: every field already comes with`)),
      ]);
      expect(warningsOf(object({ paper: object({ [name]: text }) }))).toEqual([]);
    },
  );

  it("nests five levels at most, and three as advised", () => {
    expect(checkOutputSchema(nested(3))).toEqual({ errors: [], warnings: [] });
    expect(errorsOf(nested(5))).toEqual([]);
    expect(warningsOf(nested(5))).toEqual([
      expect.stringMatching(/^(\/properties\/inner){3}: .*more than 3 levels/),
    ]);
    expect(errorsOf(nested(6))).toEqual([
      expect.stringMatching(/^(\/properties\/inner){5}: .*more than 5 levels/),
    ]);
  });

  it("counts arrays as levels, and alternatives not", () => {
    const lists = (levels: number): JsonObject =>
      levels === 0 ? text : { anyOf: [{ type: "array", items: lists(levels - 1) }] };
    expect(errorsOf(object({ a: lists(4) }))).toEqual([]);
    expect(errorsOf(object({ a: lists(5) }))).toHaveLength(1);
  });

  it("counts the levels of a definition from the definition on", () => {
    const below: JsonObject = { ...nested(2), $defs: { d: nested(3) } };
    expect(errorsOf(object({ a: object({ b: below }) }))).toEqual([]);
  });

  it("has a hundred properties at most, on all levels together", () => {
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, text]));
    expect(errorsOf(object({ a: object(fields(98)), b: text }))).toEqual([]);
    expect(errorsOf(object({ a: object(fields(99)), b: text }))).toEqual([
      ": the schema has 101 properties in all, the limit is 100: ask for less, or split the task",
    ]);
  });

  it("has 25,000 characters at most in names and values", () => {
    const half = "x".repeat(OutputSchemaLimits.stringChars / 2);
    const schema = object({ a: { const: half }, [half.slice(1)]: { description: half } });
    expect(errorsOf(schema)).toEqual([]);
    expect(errorsOf({ ...schema, $defs: { d: text } })).toEqual([
      ": the schema has 25001 characters of names and values in all, the limit is 25000: ask for less, or split the task",
    ]);
  });

  it("has 500 enum values at most, in all enums together", () => {
    const values = (count: number) => Array.from({ length: count }, (_, i) => i);
    const schema = (count: number) =>
      object({ a: { enum: values(250) }, b: { enum: values(count) } });
    expect(errorsOf(schema(250))).toEqual([]);
    expect(errorsOf(schema(251))).toEqual([
      ": the schema has 501 enum values in all, the limit is 500: ask for less, or split the task",
    ]);
  });

  it("has 7,500 characters at most in an enum of more than 250 values", () => {
    const long = (count: number, chars: number) => ({
      enum: Array.from({ length: count }, (_, i) => String(i).padEnd(chars, "x")),
    });
    expect(errorsOf(object({ a: long(250, 31) }))).toEqual([]);
    const { enum: almost } = long(250, 29);
    const exactly = [...almost, "y".repeat(OutputSchemaLimits.largeEnumChars - 250 * 29)];
    expect(errorsOf(object({ a: { enum: exactly } }))).toEqual([]);
    expect(errorsOf(object({ a: long(251, 30) }))).toEqual([
      "/properties/a/enum: an enum of more than 250 values holds at most 7500 characters, this one has 7530: shorten or drop values",
    ]);
  });

  it.each([
    ["$defs", { $defs: { d: { type: "string", format: "date" } } }, "/$defs/d/format"],
    ["definitions", { definitions: { d: { minimum: 1 } } }, "/definitions/d/minimum"],
    [
      "prefixItems",
      { properties: { a: { prefixItems: [{ pattern: "x" }] } } },
      "/properties/a/prefixItems/0/pattern",
    ],
    [
      "additionalProperties",
      { properties: { a: { additionalProperties: { maxLength: 1 } } } },
      "/properties/a/additionalProperties/maxLength",
    ],
    ["not", { properties: { a: { not: { minLength: 1 } } } }, "/properties/a/not/minLength"],
    ["allOf", { allOf: [text, { minItems: 1 }] }, "/allOf/1/minItems"],
  ])("is checked inside %s too", (_, part, pointer) => {
    const report = checkOutputSchema({ ...object({ a: text }), ...part });
    expect(report.errors.map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it.each([
    ["properties", { properties: ["a"] }, '/properties: "properties" must be an object'],
    ["a property", { properties: { a: null } }, "/properties/a: a schema must be an object"],
    [
      "items",
      { properties: { a: { type: "array", items: [text] } } },
      "/properties/a/items: a schema must be an object",
    ],
    ["anyOf", { properties: { a: { anyOf: {} } } }, '/properties/a/anyOf: "anyOf" must be a list'],
    [
      "an alternative",
      { properties: { a: { anyOf: [7] } } },
      "/properties/a/anyOf/0: a schema must be an object",
    ],
    ["$defs", { $defs: 1 }, '/$defs: "$defs" must be an object'],
  ])("that has something else for %s is told where", (_, part, problem) => {
    expect(errorsOf({ ...object({ a: text }), ...part })).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe("a hostile output schema", () => {
  /** A field with ten thousand schemas inside each other. */
  function deep(open: string, close: string): JsonObject {
    const levels = 10_000;
    return object({ a: JSON.parse(`${open.repeat(levels)}{}${close.repeat(levels)}`) });
  }

  it.each([
    ["objects", '{"type":"object","properties":{"a":', "}}"],
    ["arrays", '{"items":', "}"],
    ["tuples", '{"prefixItems":[', "]}"],
  ])("of ten thousand nested %s is refused", (_, open, close) => {
    expect(errorsOf(deep(open, close))).toEqual([expect.stringContaining("flatten the schema")]);
  });

  it.each([
    ["alternatives", '{"anyOf":[', "]}"],
    ["definitions", '{"$defs":{"a":', "}}"],
    ["enum values", '{"enum":[', "]}"],
    ["negations", '{"not":', "}"],
  ])("of ten thousand nested %s is read", (_, open, close) => {
    expect(checkOutputSchema(deep(open, close))).toEqual({ errors: [], warnings: [] });
  });

  it("that refers to itself by $ref is not followed round", () => {
    const node = object({ next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } });
    const schema = { ...object({ first: { $ref: "#/$defs/node" } }), $defs: { node } };
    expect(checkOutputSchema(schema)).toEqual({ errors: [], warnings: [] });
    expect(errorsOf({ ...object({ a: { $ref: "#/properties/a" } }) })).toEqual([]);
  });

  it("that contains itself in memory ends too", () => {
    const schema: JsonObject = object({ a: text });
    schema["$defs"] = { again: schema };
    expect(errorsOf(schema)).toEqual([]);
  });

  it("of any shape gets a report with pointers that lead into it", () => {
    const keyword = fc.constantFrom(
      "type",
      "properties",
      "required",
      "items",
      "anyOf",
      "enum",
      "const",
      "$defs",
      "additionalProperties",
      "format",
      "a/b~c",
      "__proto__",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>("object", "null", "array", "a", null, true, 7),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(keyword, tie("value"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(keyword, value, { maxKeys: 8 }), (schema) => {
        const { errors, warnings } = checkOutputSchema(schema);
        for (const { pointer, message } of [...errors, ...warnings]) {
          expect(message).not.toBe("");
          const isMissingMember = /^\/(type|properties)$|\/additionalProperties$/.test(pointer);
          expect(isMissingMember || leadsInto(schema, pointer)).toBe(true);
        }
      }),
    );
  });

  it("is found whatever else is in the schema", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("list", "object", "either")), (path) => {
        let schema: JsonObject = { type: "string", pattern: "^a$" };
        for (const step of path.slice(0, OutputSchemaLimits.depth - 1)) {
          if (step === "list") schema = { type: "array", items: schema };
          else if (step === "object") schema = object({ inner: schema });
          else schema = { anyOf: [text, schema] };
        }
        expect(errorsOf(object({ a: schema }))).toEqual([
          expect.stringContaining('/pattern: "pattern" is not supported'),
        ]);
      }),
    );
  });
});

describe("a task", () => {
  const { taskSpecChars, taskSpecAndInputChars } = RunInputLimits;

  const check = (run: JsonObject) => {
    const { errors, warnings } = checkTaskSpec(RunInput.parse({ processor: "base", ...run }));
    return { errors: errors.map(told), warnings: warnings.map(told) };
  };
  /** A text spec whose compact JSON has so many characters. */
  const specOf = (chars: number) => {
    const around = JSON.stringify({ output_schema: { type: "text", description: "" } }).length;
    return { output_schema: { type: "text", description: "x".repeat(chars - around) } };
  };

  it("without a spec has no problem", () => {
    expect(check({ input: "Why?" })).toEqual({ errors: [], warnings: [] });
    expect(check({ input: "Why?", task_spec: null })).toEqual({ errors: [], warnings: [] });
  });

  it("has a spec of 15,000 characters at most", () => {
    const input = "Why?";
    expect(check({ input, task_spec: specOf(taskSpecChars) })).toEqual({
      errors: [],
      warnings: [],
    });
    expect(check({ input, task_spec: specOf(taskSpecChars + 1) }).errors).toEqual([
      "/task_spec: task_spec has 15001 characters, the limit is 15000: ask for fewer fields, or shorten descriptions",
    ]);
  });

  it("is warned when spec and input have more than 25,000 characters together", () => {
    const task_spec = specOf(taskSpecChars);
    const rest = taskSpecAndInputChars - taskSpecChars;
    const inObject = { q: "x".repeat(rest + 1 - '{"q":""}'.length) };
    expect(check({ input: "x".repeat(rest), task_spec }).warnings).toEqual([]);
    for (const input of ["x".repeat(rest + 1), inObject]) {
      expect(check({ input, task_spec })).toEqual({
        errors: [],
        warnings: [
          "/input: task_spec and input have 25001 characters together, the limit is 25000: shorten the input, or split the task",
        ],
      });
    }
  });

  it("is told the problems of its output schema from the body on", () => {
    const json_schema = { ...object({ a: { ...text, format: "date" } }), required: [] };
    const task_spec = { output_schema: { type: "json", json_schema } };
    const place = "/task_spec/output_schema/json_schema/properties/a";
    expect(check({ input: "Why?", task_spec })).toEqual({
      errors: [expect.stringContaining(`${place}/format: `)],
      warnings: [expect.stringContaining(`${place}: add "a"`)],
    });
  });

  it("may have an input schema that the rules of output do not allow", () => {
    const input_schema = { type: "json", json_schema: { type: "object", minProperties: 1 } };
    const task_spec = { output_schema: "One sentence.", input_schema };
    expect(check({ input: "Why?", task_spec })).toEqual({ errors: [], warnings: [] });
  });
});

/** Whether a JSON pointer leads to a member of the value. */
function leadsInto(value: unknown, pointer: string): boolean {
  let place = value;
  for (const escaped of pointer.split("/").slice(1)) {
    const name = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name)) return false;
    place = Object.getOwnPropertyDescriptor(place, name)?.value;
  }
  return true;
}
