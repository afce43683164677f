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
  // Ours: how a value is read, and whether an argument is shown, and in which words.
  "isShown",
  "reads",
  "words",
]);

type Side = "input" | "output";

/**
 * The JSON Schema of a tool's arguments or result as a client is shown it: its shape, without the fine print. Arguments
 * keep to what every model's API takes: one type each, no unions, no objects without named members. What also has a
 * text form is shown as text, which the server reads.
 */
export function shownSchema(schema: z.ZodType, side: Side): JsonObject {
  return JsonObject.parse(simplify(z.toJSONSchema(schema, { io: side }), side, true));
}

function simplify(schema: unknown, side: Side, isRoot = false): unknown {
  const object = JsonObject.safeParse(schema);
  if (!object.success) return schema;
  const { properties, items, anyOf, ...rest } = object.data;
  // Of an answer all fields are named; what is inside them costs more in each session than it tells.
  if (side === "output" && !isRoot && properties !== undefined) return { type: "object" };
  const own = Object.entries(rest).filter(([keyword]) => !OMITTED_KEYWORDS.has(keyword));
  const members = Array.isArray(anyOf) ? anyOf.map((member) => simplify(member, side)) : [];
  const shown: JsonObject = {
    ...(side === "input" ? oneForm(members) : members.length > 0 && { anyOf: members }),
    ...Object.fromEntries(own),
    ...(properties !== undefined && { properties: simplifyProperties(properties, side) }),
    ...(items !== undefined && { items: simplify(items, side) }),
  };
  if (side === "output" || isRoot) return shown;
  if (Array.isArray(shown["type"])) shown["type"] = shown["type"].find((type) => type !== "null");
  // Some models' APIs refuse an object without members, and strict ones could only send an empty one.
  if (shown["type"] === "object" && shown["properties"] === undefined) shown["type"] = "string";
  return shown;
}

/** Names of properties are not keywords: an argument may well be called `format`. */
function simplifyProperties(properties: unknown, side: Side): JsonObject {
  return Object.fromEntries(
    Object.entries(JsonObject.parse(properties))
      .filter(([, schema]) => !isUnshown(schema))
      .map(([name, schema]) => [name, simplify(schema, side)]),
  );
}

/** Hidden on purpose, or of one possible value, which the server fills in. */
function isUnshown(schema: unknown): boolean {
  const { isShown, items, ...own } = JsonObject.parse(schema);
  return (
    isShown === false ||
    "const" in own ||
    (JsonObject.safeParse(items).data ?? {})["const"] !== undefined
  );
}

/**
 * One form for the members of a union. Leaving an argument out means the same as null, so null is not shown; text stands
 * for the other forms beside it, because they can be written as text.
 */
function oneForm(members: readonly unknown[]): JsonObject {
  const forms = members
    .map((member) => JsonObject.parse(member))
    .filter(({ type }) => type !== "null");
  return forms.find(({ type }) => type === "string") ?? forms[0] ?? {};
}
