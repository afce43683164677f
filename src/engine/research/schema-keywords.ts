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
    // A pattern that does not compile is reported when the whole output is validated.
    return true;
  }
}
