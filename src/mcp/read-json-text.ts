import { isJsonObject } from "../task-api/task-spec.ts";
import { tryParseJson } from "../text/json.ts";

/**
 * Some clients send objects, lists, numbers and booleans as JSON text. Wherever the schema does not admit a string, text
 * that parses to a type it does admit is replaced by what it says; everything else is left for validation to judge.
 */
export function readJsonText(value: unknown, schema: unknown): unknown {
  // Below what the schema describes there is nothing to correct, and no limit to how deep a value may go.
  if (schema === undefined) return value;
  const { types, properties, items } = describe(schema);
  if (typeof value === "string" && types.size > 0 && !types.has("string")) {
    const parsed = tryParseJson(value);
    return types.has(typeOf(parsed)) ? readJsonText(parsed, schema) : value;
  }
  if (Array.isArray(value)) return value.map((item) => readJsonText(item, items));
  if (!isJsonObject(value) || properties.size === 0) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, readJsonText(inner, properties.get(name))]),
  );
}

interface Description {
  types: Set<string>;
  properties: Map<string, unknown>;
  items: unknown;
}

/** The schemas are those of the tools, and never change. */
const described = new WeakMap<object, Description>();

/** What a schema admits, with the members of `anyOf` taken together. */
function describe(schema: unknown): Description {
  const description: Description = { types: new Set(), properties: new Map(), items: undefined };
  if (!isJsonObject(schema)) return description;
  const known = described.get(schema);
  if (known !== undefined) return known;
  described.set(schema, description);
  const { type, anyOf, properties, items } = schema;
  for (const name of Array.isArray(type) ? type : [type]) {
    if (typeof name === "string") description.types.add(name === "integer" ? "number" : name);
  }
  if (isJsonObject(properties)) description.properties = new Map(Object.entries(properties));
  description.items = items;
  for (const member of Array.isArray(anyOf) ? anyOf : []) {
    const inner = describe(member);
    for (const name of inner.types) description.types.add(name);
    for (const [name, property] of inner.properties) description.properties.set(name, property);
    description.items ??= inner.items;
  }
  return description;
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}
