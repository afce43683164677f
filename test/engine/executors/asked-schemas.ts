import type { JsonObject } from "../../../src/task-api/task-spec.ts";

/** An object as people write it by hand: all properties required, no others. */
export const strict = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

const text = { type: "string" };
const orNull = (node: JsonObject): JsonObject => ({
  anyOf: [node, { type: "null" }],
  default: null,
});
const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });

const founder = strict({ name: text, role: orNull(text) });

/**
 * Output schemas as agents, people and pydantic write them. Each admits a value that says nothing, so an output that
 * does not follow it is a fault of ours.
 */
export const ADMITTING: Readonly<Record<string, JsonObject>> = {
  "one string": strict({ capital: text }),
  "a nullable string, number and boolean": strict({
    ceo: { type: ["string", "null"] },
    employees: { type: ["integer", "null"] },
    public: { type: ["null", "boolean"] },
  }),
  "a pydantic model with optional fields": {
    title: "Company",
    type: "object",
    properties: {
      name: { title: "Name", type: "string" },
      revenue: { ...orNull({ type: "number" }), title: "Revenue" },
      founded: { ...orNull({ type: "integer" }), title: "Founded" },
    },
    required: ["name"],
  },
  "optional properties of every kind": {
    type: "object",
    properties: {
      amount: { type: "number" },
      tier: { enum: ["gold", "silver"] },
      active: { type: "boolean" },
      address: strict({ street: text, number: { type: "integer" } }),
    },
  },
  "a required object": strict({ address: strict({ street: text, city: text }) }),
  "a nullable object with required numbers": strict({
    price: { type: ["object", "null"], properties: { usd: { type: "number" } }, required: ["usd"] },
  }),
  "a nullable reference": strict(
    { parent: orNull(ref("Company")) },
    { $defs: { Company: strict({ name: text, employees: { type: "integer" } }) } },
  ),
  "a list of strings": strict({ products: { type: "array", items: text } }),
  "a list of records with required numbers": strict({
    rounds: { type: "array", items: strict({ series: text, usd: { type: "number" } }) },
  }),
  "a list with minItems": strict({ sources: { type: "array", items: text, minItems: 2 } }),
  "a list of records with minItems": strict({
    founders: { type: "array", items: founder, minItems: 1, maxItems: 3 },
  }),
  "a pair": strict({
    range: { type: "array", prefixItems: [text, text], minItems: 2, items: false },
  }),
  "a nullable list": strict({ awards: { type: ["array", "null"], items: text, minItems: 1 } }),
  "definitions used twice": strict(
    { founders: { type: "array", items: ref("Person") }, ceo: ref("Person") },
    { $defs: { Person: founder } },
  ),
  "definitions in the older place": {
    ...strict({ ceo: { $ref: "#/definitions/Person" } }),
    definitions: { Person: founder },
  },
  "a tree": strict(
    { root: ref("Node") },
    { $defs: { Node: strict({ label: text, children: { type: "array", items: ref("Node") } }) } },
  ),
  "a linked list": strict(
    { head: ref("Link") },
    { $defs: { Link: strict({ label: text, next: orNull(ref("Link")) }) } },
  ),
  "a model that is itself recursive": {
    $defs: {
      Topic: {
        type: "object",
        properties: { title: text, parts: { type: "array", items: ref("Topic") } },
        required: ["title"],
      },
    },
    ...ref("Topic"),
    type: "object",
  },
  "an enum with null": strict({
    tier: { type: ["string", "null"], enum: ["gold", "silver", null] },
  }),
  "an untyped enum with null": strict({ tier: { enum: ["gold", null] } }),
  "an enum in a nullable union": strict(
    { tier: orNull(ref("Tier")) },
    { $defs: { Tier: { type: "string", enum: ["gold", "silver"] } } },
  ),
  "an enum with an empty member": strict({ tier: { type: "string", enum: ["", "gold"] } }),
  constants: strict({
    kind: { const: "company" },
    version: { type: "integer", const: 2 },
    unit: { type: "string", enum: ["USD"] },
  }),
  "a union told apart by a constant": strict({
    result: {
      oneOf: [
        strict({ kind: { const: "found" }, value: { type: "number" } }),
        strict({ kind: { const: "missing" }, why: text }),
      ],
    },
  }),
  "oneOf with null": strict({ year: { oneOf: [{ type: "integer" }, { type: "null" }] } }),
  "a number or a string": strict({ size: { anyOf: [{ type: "number" }, text] } }),
  "several types": strict({ size: { type: ["integer", "string"] } }),
  "nullable formats": strict({
    founded: orNull({ type: "string", format: "date" }),
    website: orNull({ type: "string", format: "uri", minLength: 1, maxLength: 2_083 }),
  }),
  "lengths that admit the empty string": strict({ summary: { type: "string", maxLength: 80 } }),
  "a pattern that admits the empty string": strict({
    code: { type: "string", pattern: "^[A-Z]*$" },
  }),
  allOf: strict(
    {
      item: {
        allOf: [ref("Named"), { type: "object", properties: { note: text }, required: ["note"] }],
      },
    },
    { $defs: { Named: { type: "object", properties: { name: text }, required: ["name"] } } },
  ),
  "a property that two parts describe": strict(
    {
      item: {
        allOf: [
          ref("Named"),
          { properties: { name: { maxLength: 9 }, kind: { enum: ["a"] } }, required: ["kind"] },
        ],
      },
    },
    {
      $defs: {
        Named: { type: "object", properties: { name: text, kind: text }, required: ["name"] },
      },
    },
  ),
  "references to encoded names, members of lists, anchors and ids": strict(
    {
      encoded: { $ref: "#/$defs/Map%3Cstring%3E" },
      member: { $ref: "#/properties/union/anyOf/0" },
      anchored: { $ref: "#place" },
      named: { $ref: "urn:example:place" },
      union: orNull(strict({ city: text })),
    },
    {
      $defs: {
        "Map<string>": { type: "object", additionalProperties: text },
        Anchored: { $anchor: "place", ...strict({ city: text }) },
        Named: { $id: "urn:example:place", ...strict({ city: text }) },
      },
    },
  ),
  "a name for itself and a dialect": {
    $id: "https://example.com/company",
    $schema: "https://json-schema.org/draft/2020-12/schema",
    ...strict({ ceo: { $ref: "https://example.com/company#/$defs/Person" } }),
    $defs: { Person: founder },
  },
  "a least number of properties": {
    type: "object",
    properties: { name: text, note: text },
    minProperties: 1,
  },
  "a property that another one needs": {
    type: "object",
    properties: { street: text, city: text },
    required: ["street"],
    dependentRequired: { street: ["city"] },
  },
  "many definitions that refer to themselves": {
    type: "object",
    properties: { all: ref("All") },
    $defs: {
      All: {
        type: "object",
        properties: Object.fromEntries(
          Array.from({ length: 12 }, (_, at) => [`p${at}`, { allOf: [ref("All"), ref("All")] }]),
        ),
      },
    },
  },
  "a reference with a description beside it": strict(
    { hq: { ...ref("Place"), description: "Where it sits" } },
    { $defs: { Place: strict({ city: text }) } },
  ),
  "a map": strict({ offices: { type: "object", additionalProperties: { type: "integer" } } }),
  "required but not described": { type: "object", properties: {}, required: ["anything"] },
  "no type at all": strict({ anything: { description: "Whatever there is" }, all: {} }),
  "five levels": strict({ a: strict({ b: strict({ c: strict({ d: text }) }) }) }),
};

/** Schemas that no value which says nothing follows, and the places where it does not. */
export const REFUSING: Readonly<Record<string, { schema: JsonObject; paths: string[] }>> = {
  "a required number": { schema: strict({ gdp: { type: "number" } }), paths: ["gdp"] },
  "a required enum": { schema: strict({ tier: { enum: ["gold", "silver"] } }), paths: ["tier"] },
  "a required boolean": { schema: strict({ open: { type: "boolean" } }), paths: ["open"] },
  "a number in a required object": {
    schema: strict({ price: strict({ usd: { type: "number" }, note: text }) }),
    paths: ["price.usd"],
  },
  "a string of at least one character": {
    schema: strict({ name: { type: "string", minLength: 1 } }),
    paths: ["name"],
  },
  "at least one number": {
    schema: strict({ years: { type: "array", items: { type: "integer" }, minItems: 1 } }),
    paths: ["years"],
  },
  "a map with at least one number": {
    schema: strict({
      years: { type: "object", additionalProperties: { type: "integer" }, minProperties: 1 },
    }),
    paths: ["years"],
  },
  "a union of numbers": {
    schema: strict({ size: { anyOf: [{ type: "integer" }, { type: "number" }] } }),
    paths: ["size"],
  },
};
