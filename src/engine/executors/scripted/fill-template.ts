import { isJsonObject } from "../../../task-api/task-spec.ts";

/** Puts the values of a run into a text. */
export type FillTemplate = (text: string) => string;

/**
 * Replaces `{{name}}` by the value of that name. Anything else in braces stays as it is, and so do braces that come
 * with a value.
 */
export function createFillTemplate(values: ReadonlyMap<string, string>): FillTemplate {
  return (text) =>
    text.replace(/\{\{\s*(\w+)\s*\}\}/g, (found, name: string) => values.get(name) ?? found);
}

/** Fills every string inside a JSON value; keys stay as they are. */
export function fillJson(value: unknown, fill: FillTemplate): unknown {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return value.map((item) => fillJson(item, fill));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, fillJson(member, fill)]),
  );
}
