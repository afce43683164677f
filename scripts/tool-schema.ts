import { z } from "zod";
import { JsonObject } from "../src/task-api/task-spec.ts";

/**
 * Keywords that `tools/list` omits. `$schema` makes some clients refuse every call. The others restrict values; the server
 * checks these with better messages, and every token of the list costs money in every session.
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
  // Our own keywords: how the server reads a value, and whether and how it shows the argument.
  "isShown",
  "reads",
  "otherWords",
]);

type Side = "input" | "output";

/**
 * The JSON Schema of a tool's arguments or result as `tools/list` shows it. Arguments use only what every model's API
 * accepts: one type each, no unions, no objects without named members. Values with a text form are shown as strings.
 */
export function shownSchema(schema: z.ZodType, side: Side): JsonObject {
  return JsonObject.parse(simplify(z.toJSONSchema(schema, { io: side }), side, true));
}

function simplify(schema: unknown, side: Side, isRoot = false): unknown {
  const object = JsonObject.safeParse(schema);
  if (!object.success) return schema;
  const { properties, items, anyOf, ...rest } = object.data;
  // Results list their top-level fields only; nested schemas would cost more tokens than they help.
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
  // Some models' APIs refuse an object without members; strict ones could only send an empty object.
  if (shown["type"] === "object" && shown["properties"] === undefined) shown["type"] = "string";
  return shown;
}

/** Property names are not keywords: an argument may be called `format`. */
function simplifyProperties(properties: unknown, side: Side): JsonObject {
  return Object.fromEntries(
    Object.entries(JsonObject.parse(properties))
      .filter(([, schema]) => !isUnshown(schema))
      .map(([name, schema]) => [name, simplify(schema, side)]),
  );
}

/** True for an argument that is hidden, or that has one possible value, which the server fills in. */
function isUnshown(schema: unknown): boolean {
  const { isShown, items, ...own } = JsonObject.parse(schema);
  return (
    isShown === false ||
    "const" in own ||
    (JsonObject.safeParse(items).data ?? {})["const"] !== undefined
  );
}

/**
 * Reduces a union to one member. Null is dropped, because it means the same as leaving the argument out. A string wins,
 * because the other members can be written as text.
 */
function oneForm(members: readonly unknown[]): JsonObject {
  const forms = members
    .map((member) => JsonObject.parse(member))
    .filter(({ type }) => type !== "null");
  return forms.find(({ type }) => type === "string") ?? forms[0] ?? {};
}
