import { parse, patch, stringify } from "@decimalturn/toml-patch";
import { z } from "zod";
import { ConfigSyntaxError } from "./config-errors.ts";
import { type ConfigObject, isConfigObject } from "./merge-entry.ts";

/** A syntax error of the TOML library; its columns count from 0. */
const ParseProblem = z.object({ message: z.string(), line: z.number(), column: z.number() });

/** Parses TOML. Throws {@link ConfigSyntaxError}. */
export function readToml(text: string): ConfigObject {
  try {
    const value = plain(parse(text));
    return isConfigObject(value) ? value : {};
  } catch (error) {
    const { message, line, column } = ParseProblem.parse(error);
    const problem = message.split("\n").at(-1)?.trim() ?? message;
    throw new ConfigSyntaxError(problem, { line, column: column + 1 }, { cause: error });
  }
}

/** The library's tables have no prototype, so `isDeepStrictEqual` would not consider them equal to ordinary objects. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isConfigObject(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/**
 * Sets the table `[container.name]`. We append a new table and find the lines of an existing one ourselves, because
 * `@decimalturn/toml-patch` alone deletes a comment that belongs to the next table. It edits inline tables and dotted keys.
 */
export function setTomlTable(
  text: string,
  [container, name]: readonly [string, string],
  value: ConfigObject,
): string {
  const nested = { [container]: { [name]: value } };
  const lines = splitLines(text);
  const own = findOwnLines(lines, container, name);
  const whole = readToml(text);
  const servers = whole[container];
  const isThere = isConfigObject(servers) && Object.hasOwn(servers, name);
  if (own !== null) {
    const [start, end] = own;
    const section = lines.slice(start, end).join("");
    const changed = patch(section, nested);
    const eol = section.endsWith("\n") && !changed.endsWith("\n") ? eolOf(text) : "";
    return [...lines.slice(0, start), changed, eol, ...lines.slice(end)].join("");
  }
  if (!isThere && (servers === undefined || !isInline(lines, container))) {
    return append(text, writeTable(nested), eolOf(text));
  }
  const others = isConfigObject(servers) ? servers : {};
  return patch(text, { ...whole, [container]: { ...others, [name]: value } });
}

/** Removes `[container.name]`. */
export function removeTomlTable(
  text: string,
  [container, name]: readonly [string, string],
): string {
  const lines = splitLines(text);
  const own = findOwnLines(lines, container, name);
  if (own !== null) {
    const [start, end] = own;
    const before = lines.slice(0, start);
    // Remove the empty lines before it too.
    while (before.at(-1)?.trim() === "") before.pop();
    const after = lines.slice(end);
    const isLast = after.every((line) => line.trim() === "");
    return [...before, ...(isLast || before.length > 0 ? after : trimStart(after))].join("");
  }
  const whole = readToml(text);
  const servers = whole[container];
  if (!isConfigObject(servers)) return text;
  const { [name]: _removed, ...others } = servers;
  return patch(text, { ...whole, [container]: others });
}

/** The table `[container.name]`, with its inner tables inline. */
export function writeTable(nested: ConfigObject): string {
  const text = stringify(nested, { inlineTableStart: 2 });
  // The library writes an empty outer table first.
  return text.replace(/^\[[^\]]*\]\n\n(?=\[)/, "");
}

/**
 * The lines `[start, end)` of `[container.name]` and its inner tables, if they are together and contain the whole table.
 * Comments and empty lines at their end belong to the next table.
 */
function findOwnLines(
  lines: readonly string[],
  container: string,
  name: string,
): [start: number, end: number] | null {
  const headers = lines.flatMap((line, index) => {
    const keys = readHeader(line);
    return keys === null ? [] : [{ index, isOwn: isInside(keys, container, name) }];
  });
  const first = headers.findIndex(({ isOwn }) => isOwn);
  const next = headers.findIndex(({ isOwn }, position) => position > first && !isOwn);
  const start = headers[first]?.index;
  if (start === undefined) return null;
  if (next >= 0 && headers.slice(next).some(({ isOwn }) => isOwn)) return null;
  let end = (next < 0 ? undefined : headers[next]?.index) ?? lines.length;
  while (/^\s*(?:#|$)/.test(lines[end - 1] ?? "x")) end -= 1;
  try {
    const rest = readToml([...lines.slice(0, start), ...lines.slice(end)].join(""));
    return isInside(rest, container, name) ? null : [start, end];
  } catch {
    // A line of a multi-line string was mistaken for a header.
    return null;
  }
}

function isInside(value: ConfigObject, container: string, name: string): boolean {
  const servers = value[container];
  return isConfigObject(servers) && Object.hasOwn(servers, name);
}

/** Parses a header line; null for any other line. */
function readHeader(line: string): ConfigObject | null {
  if (!/^\s*\[/.test(line)) return null;
  try {
    return readToml(line);
  } catch {
    return null;
  }
}

/** An inline table, or one of dotted keys, can only be extended where it is defined (TOML, "Table"). */
function isInline(lines: readonly string[], container: string): boolean {
  return lines.some((line) => new RegExp(`^\\s*["']?${container}["']?\\s*[.=]`).test(line));
}

function append(text: string, block: string, eol: string): string {
  const written = block.replaceAll("\n", eol);
  if (text.trim() === "") return text + written;
  const end = text.endsWith("\n") ? "" : eol;
  return `${text}${end}${eol}${written}`;
}

function splitLines(text: string): string[] {
  return text.split(/(?<=\n)/);
}

function trimStart(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  return lines.slice(Math.max(first, 0));
}

function eolOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
