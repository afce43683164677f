import { z } from "zod";
import { JsonObject } from "../src/task-api/task-spec.ts";

/**
 * Keywords left out of what a client is shown. `$schema` makes some clients refuse every call; the others only restrict
 * values, which are checked with better messages when a tool is called, and every token of a tool list is paid in every session.
 */
const OMITTED_KEYWORDS: ReadonlySet<string> = new Set([
  "$schema",
  "additionalProperties",
  "default",
  "exclusiveMinimum",
  "format",
  "maxItems",
  "maxLength",
  "maximum",
  "minItems",
  "minLength",
  "minimum",
  "pattern",
  "propertyNames",
]);

/** The JSON Schema of a tool's arguments or result as a client is shown it: its shape, without the fine print. */
export function shownSchema(schema: z.ZodType, side: "input" | "output"): JsonObject {
  return JsonObject.parse(simplify(z.toJSONSchema(schema, { io: side })));
}

function simplify(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(simplify);
  const object = JsonObject.safeParse(schema);
  if (!object.success) return schema;
  const shown: JsonObject = {};
  for (const [keyword, value] of Object.entries(object.data)) {
    if (OMITTED_KEYWORDS.has(keyword)) continue;
    shown[keyword] = keyword === "properties" ? simplifyProperties(value) : simplify(value);
  }
  return withoutNull(shown);
}

/** Names of properties are not keywords: an argument may well be called `format`. */
function simplifyProperties(properties: unknown): JsonObject {
  return Object.fromEntries(
    Object.entries(JsonObject.parse(properties)).map(([name, schema]) => [name, simplify(schema)]),
  );
}

/** Leaving an argument out means the same as null, so null need not be shown; neither do several forms of one object. */
function withoutNull(schema: JsonObject): JsonObject {
  const { anyOf, type, ...rest } = schema;
  if (Array.isArray(anyOf)) {
    const members = mergeObjects(
      anyOf.map((member) => JsonObject.parse(member)).filter((member) => member["type"] !== "null"),
    );
    return { ...withoutUnion(members), ...rest };
  }
  if (Array.isArray(type)) {
    const types: unknown[] = type.filter((name) => name !== "null");
    return { type: types.length === 1 ? types[0] : types, ...rest };
  }
  return schema;
}

/**
 * One schema for the members of a union, because some clients keep only the objects of an `anyOf`. Plain types become a
 * list of types; where one form has properties it stands for all, and the short forms beside it are accepted unshown.
 */
function withoutUnion(members: readonly JsonObject[]): JsonObject {
  const detailed = members.filter((member) => Object.keys(member).some((name) => name !== "type"));
  const [first, ...others] = detailed;
  if (first !== undefined) return others.length === 0 ? first : { anyOf: [...members] };
  const types = [...new Set(members.map((member) => member["type"]))];
  return { type: types.length === 1 ? types[0] : types };
}

/** Shows the object forms of a union as one object with the properties of all: half the length, and as telling. */
function mergeObjects(members: readonly JsonObject[]): JsonObject[] {
  const objects = members.filter((member) => member["type"] === "object");
  if (objects.length < 2) return [...members];
  const properties = new Map<string, JsonObject[]>();
  for (const object of objects) {
    for (const [name, schema] of Object.entries(JsonObject.parse(object["properties"] ?? {}))) {
      properties.set(name, [...(properties.get(name) ?? []), JsonObject.parse(schema)]);
    }
  }
  const merged = [...properties].map(([name, [first = {}, ...others]]) => {
    const values = [first, ...others].map((schema) => schema["const"]);
    return [name, others.length === 0 || values.includes(undefined) ? first : { enum: values }];
  });
  return [
    ...members.filter((member) => member["type"] !== "object"),
    { type: "object", properties: Object.fromEntries(merged) },
  ];
}
