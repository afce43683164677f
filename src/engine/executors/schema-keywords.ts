import { typesOf, walkSchema } from "../../task-api/schema/walk-schema.ts";
import { isJsonObject, type JsonObject } from "../../task-api/task-spec.ts";

/** The values a schema names, when it names any. */
export function allowedValues(node: unknown): readonly unknown[] | undefined {
  if (!isJsonObject(node)) return undefined;
  if (node["const"] !== undefined) return [node["const"]];
  return Array.isArray(node["enum"]) ? node["enum"] : undefined;
}

export function isOfType(value: unknown, type: unknown): boolean {
  if (type === undefined) return true;
  if (value === null) return type === "null";
  if (Array.isArray(value)) return type === "array";
  return typeof value === (type === "integer" ? "number" : type);
}

export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function refOf(node: unknown): string | undefined {
  const ref = isJsonObject(node) ? node["$ref"] : undefined;
  return typeof ref === "string" ? ref : undefined;
}

/** Whether a schema admits a value that is neither object nor list, as far as its own keywords say. */
export function admits(node: JsonObject, type: unknown, value: unknown): boolean {
  if (typeof value === "string") {
    const { pattern } = node;
    // Characters are code points here. Source: JSON Schema, "minLength".
    const { length } = Array.from(value);
    return (
      type === "string" &&
      length >= limit(node, "minLength", 0) &&
      length <= limit(node, "maxLength", Number.POSITIVE_INFINITY) &&
      (typeof pattern !== "string" || matches(pattern, value))
    );
  }
  if (typeof value === "number") {
    const step = limit(node, "multipleOf", 0);
    return (
      (type === "number" || (type === "integer" && Number.isInteger(value))) &&
      value >= limit(node, "minimum", Number.NEGATIVE_INFINITY) &&
      value > limit(node, "exclusiveMinimum", Number.NEGATIVE_INFINITY) &&
      value <= limit(node, "maximum", Number.POSITIVE_INFINITY) &&
      value < limit(node, "exclusiveMaximum", Number.POSITIVE_INFINITY) &&
      (step === 0 || Number.isInteger(value / step))
    );
  }
  return typeof value === type;
}

export function limit(node: JsonObject, keyword: string, otherwise: number): number {
  const value = node[keyword];
  return typeof value === "number" ? value : otherwise;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // The check of the whole output reports it.
    return true;
  }
}

/** Both schemas in one; where they disagree, the second. A property that both describe follows both. */
export function merge(first: JsonObject, second: unknown): JsonObject {
  if (!isJsonObject(second)) return first;
  const merged = { ...first, ...second };
  const [a, b] = [first["properties"], second["properties"]];
  if (isJsonObject(a) && isJsonObject(b)) {
    const both = Object.keys(b).filter((name) => Object.hasOwn(a, name));
    const narrowed = both.map((name) => [name, { allOf: [a[name], b[name]] }]);
    merged["properties"] = { ...a, ...b, ...Object.fromEntries(narrowed) };
  }
  const required = [...listOf(first["required"]), ...listOf(second["required"])];
  if (required.length > 0) merged["required"] = required;
  const allOf = [...listOf(first["allOf"]), ...listOf(second["allOf"])];
  if (allOf.length > 0) merged["allOf"] = allOf;
  const types = typesOf(first).filter((type) => typesOf(second).includes(type));
  if (types.length > 0) merged["type"] = types;
  return merged;
}

/** What a reference into the schema itself names: `#/$defs/name`, an `$anchor`, or an `$id`. */
export function readPointer(root: JsonObject, ref: string): unknown {
  const [base = "", fragment = ""] = ref.split("#");
  const isInRoot = base === "" || base === root["$id"];
  const document = isInRoot ? root : findNode(root, (node) => node["$id"] === base);
  if (document === undefined || fragment === "") return document;
  if (!fragment.startsWith("/")) {
    return findNode(document, (node) => node["$anchor"] === fragment);
  }
  let node: unknown = document;
  for (const part of fragment.split("/").slice(1)) {
    const name = decodeName(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(node)) node = node[Number(name)];
    else node = isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}

function findNode(
  root: JsonObject,
  isWanted: (node: JsonObject) => boolean,
): JsonObject | undefined {
  for (const found of walkSchema(root, Number.POSITIVE_INFINITY)) {
    if ("node" in found && isWanted(found.node.schema)) return found.node.schema;
  }
  return undefined;
}

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
