import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conformToSchema } from "../../../src/engine/research/conforming-value.ts";
import { exampleValue } from "../../../src/engine/executors/scripted/example-value.ts";
import { checkOutput } from "../../../src/engine/schema-conformity.ts";
import type { RunOutput } from "../../../src/task-api/output.ts";
import { isJsonObject, type JsonObject } from "../../../src/task-api/task-spec.ts";
import { load } from "../../load.ts";
import { ADMITTING, REFUSING, strict } from "./asked-schemas.ts";
import { createAsk, jsonOf } from "./run-extractive.ts";

const ajv = new Ajv2020({ strict: false, validateFormats: false });

function problemsOf(schema: JsonObject, value: unknown): unknown[] {
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []);
}

const spec = (json_schema: JsonObject) => ({
  task_spec: { output_schema: { type: "json" as const, json_schema } },
});

describe("where nothing is found, the output follows its schema", () => {
  test.for(Object.entries(ADMITTING))("%s", ([, schema]) => {
    const { value, empty } = conformToSchema(schema, undefined);
    expect(problemsOf(schema, value)).toEqual([]);
    expect(empty.filter(({ conforms }) => !conforms)).toEqual([]);
  });

  test("for the executor that quotes documents, with a warning and without a citation", async () => {
    const ask = await createAsk({ "a.md": "# Moss\n\nMoss grows on stones.\n" });
    for (const [name, schema] of Object.entries(ADMITTING)) {
      const result = await ask("Wakanda", spec(schema));
      const { content, basis } = jsonOf(result);
      expect({ name, problems: problemsOf(schema, content) }).toEqual({ name, problems: [] });
      expect(basis.flatMap(({ citations }) => citations ?? [])).toEqual([]);
    }
  });
});

test("what an empty place holds", () => {
  const schema = {
    type: "object",
    properties: {
      required_text: { type: "string" },
      nullable_object: { anyOf: [strict({ usd: { type: "number" } }), { type: "null" }] },
      optional: { type: "number" },
      list: { type: "array", items: { type: "string" } },
      amount: { type: "number" },
      kind: { const: "company" },
    },
    required: ["required_text", "nullable_object", "list", "amount", "kind"],
  };
  expect(conformToSchema(schema, { nullable_object: { usd: null }, list: [] })).toEqual({
    value: { required_text: "", nullable_object: null, list: [], amount: null, kind: "company" },
    empty: [
      { path: "required_text", conforms: true },
      { path: "nullable_object", conforms: true },
      { path: "optional", conforms: true },
      { path: "list", conforms: true },
      { path: "amount", conforms: false },
    ],
  });
});

describe("where no value says nothing, null stands there, and it is named", () => {
  test.for(Object.entries(REFUSING))("%s", ([, { schema, paths }]) => {
    const { value, empty } = conformToSchema(schema, undefined);
    expect(empty.filter(({ conforms }) => !conforms).map(({ path }) => path)).toEqual(paths);
    expect(problemsOf(schema, value)).not.toEqual([]);
    const [path = ""] = paths;
    const place = path
      .split(".")
      .reduce<unknown>((at, name) => isJsonObject(at) && at[name], value);
    expect(place).toBeNull();
  });
});

test("fields of composed schemas are looked for, and so are required ones that nothing describes", async () => {
  const ask = await createAsk({
    "a.md": "# Acme\n\nThe chief executive of Acme is Jane Doe. Acme has 250 employees.\n",
  });
  const schema = {
    type: "object",
    properties: { company: { description: "Acme", allOf: [{ $ref: "#/definitions/Company" }] } },
    required: ["company", "motto"],
    definitions: { Company: strict({ employees: { type: "integer" } }) },
  };
  const result = await ask("How many employees does Acme have?", spec(schema));
  expect(jsonOf(result).content).toEqual({ company: { employees: 250 }, motto: null });
  expect(result.warnings).toContainEqual(
    expect.objectContaining({ detail: { fields: ["motto"] } }),
  );
});

test("a schema of an older dialect is checked by the rules of that dialect", async () => {
  const output: RunOutput = { type: "json", content: { pair: [1, "x"] }, basis: [] };
  const pair = { type: "array", items: [{ type: "integer" }, { type: "integer" }] };
  const json_schema = { $schema: "http://json-schema.org/draft-07/schema#", ...strict({ pair }) };
  const warnings = await checkOutput(
    { input: "", processor: "base", ...spec(json_schema) },
    output,
  );
  expect(warnings.map(({ message }) => message)).toEqual([
    "The output does not follow its schema: /pair/1 must be integer",
  ]);
});

test("a date that was not found is an empty string, which is no date", () => {
  const schema = strict({ founded: { type: "string", format: "date" } });
  expect(conformToSchema(schema, {})).toEqual({
    value: { founded: "" },
    empty: [{ path: "founded", conforms: false }],
  });
});

test("what was found stays, and what is of another kind counts as not found", () => {
  const schema = strict({
    name: { type: "string" },
    employees: { type: ["integer", "null"] },
    tier: { type: ["string", "null"], enum: ["gold", null] },
    offices: {
      type: "array",
      items: strict({ city: { type: "string" }, staff: { type: "integer" } }),
    },
    result: {
      oneOf: [
        strict({ kind: { const: "found" }, value: { type: "number" } }),
        strict({ kind: { const: "missing" }, why: { type: "string" } }),
      ],
    },
  });
  const found = {
    name: "ACME",
    employees: "many",
    tier: "bronze",
    offices: [{ city: "Paris", staff: 3 }, { city: "Rome" }],
    result: { value: 7 },
    surplus: true,
  };
  expect(conformToSchema(schema, found)).toEqual({
    value: {
      name: "ACME",
      employees: null,
      tier: null,
      offices: [
        { city: "Paris", staff: 3 },
        { city: "Rome", staff: null },
      ],
      result: { kind: "found", value: 7 },
    },
    empty: [
      { path: "employees", conforms: true },
      { path: "tier", conforms: true },
      { path: "offices[].staff", conforms: false },
    ],
  });
});

test("whatever part of an output was found, the rest makes it whole", () => {
  const holes = (value: unknown, isHole: () => boolean): unknown => {
    if (isHole()) return null;
    if (Array.isArray(value)) return value.map((item) => holes(item, isHole));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, holes(v, isHole)]));
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(ADMITTING)),
      fc.infiniteStream(fc.boolean()),
      (schema, bits) => {
        const found = holes(exampleValue(schema), () => bits.next().value);
        const { value, empty } = conformToSchema(schema, found);
        if (empty.every(({ conforms }) => conforms)) expect(problemsOf(schema, value)).toEqual([]);
      },
    ),
    { numRuns: load({ full: 200, short: 40 }) },
  );
});

test("a schema that refers to itself without end is answered", () => {
  const schema = strict(
    { loop: { $ref: "#/$defs/a" }, deep: { $ref: "#/$defs/deep" } },
    { $defs: { a: { $ref: "#/$defs/a" }, deep: strict({ deep: { $ref: "#/$defs/deep" } }) } },
  );
  for (const found of [undefined, { loop: "x", deep: { deep: { deep: {} } } }]) {
    expect(conformToSchema(schema, found).empty).toContainEqual({ path: "loop", conforms: false });
  }
});

describe("a scripted run without words of its own has an example that follows the schema", () => {
  const all = {
    ...ADMITTING,
    ...Object.fromEntries(Object.entries(REFUSING).map(([k, v]) => [k, v.schema])),
  };
  test.for(Object.entries(all))("%s", ([, schema]) => {
    expect(problemsOf(schema, exampleValue(schema))).toEqual([]);
  });
});
