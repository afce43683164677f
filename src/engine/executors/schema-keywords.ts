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
    // Whoever wrote it learns of it when the whole output is checked.
    return true;
  }
}

/** Both schemas in one; where they disagree, the second. */
export function merge(first: JsonObject, second: unknown): JsonObject {
  if (!isJsonObject(second)) return first;
  const merged = { ...first, ...second };
  const [a, b] = [first["properties"], second["properties"]];
  if (isJsonObject(a) && isJsonObject(b)) merged["properties"] = { ...a, ...b };
  const required = [...listOf(first["required"]), ...listOf(second["required"])];
  if (required.length > 0) merged["required"] = required;
  return merged;
}

/** What a reference into the schema itself (`#/$defs/name`) names. */
export function readPointer(root: JsonObject, ref: string): unknown {
  let node: unknown = root;
  for (const part of ref.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}
