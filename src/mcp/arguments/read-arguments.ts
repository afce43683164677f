import { z } from "zod";
import {
  type JsonObject,
  JsonObject as JsonObjectSchema,
  isJsonObject,
  isOutputSchema,
} from "../../task-api/task-spec.ts";
import { tryParseJson } from "../../text/json.ts";
import type { ArgumentProblem } from "./argument-problems.ts";
import { isTypoOf, looksLike } from "./looks-like.ts";

/** Arguments as a caller may write them, read as the schema means them. */
export interface ReadArguments {
  args: JsonObject;
  /** Arguments that there are not, with the one that was probably meant. */
  unknown: { name: string; meant: string | null }[];
  problems: ArgumentProblem[];
}

/** Other names under which callers know an argument, by their path: `output_schema` is `task_spec.output_schema`. */
export type OtherNames = Readonly<Record<string, string>>;

/**
 * What a schema may say about how its value is read (`meta({ reads })`): `data` is the caller's own and stays as it is,
 * empty text included; `itself` is left to the schema, and so is of a `task_spec` what is the schema of an output alone.
 * All may be written as JSON text.
 */
type Reads = "data" | "itself" | "task_spec";

interface Reading {
  otherNames: OtherNames;
  /** Whether an unknown name could be meant for a known one. */
  isMeant: (name: string, known: string) => boolean;
  unknown: ReadArguments["unknown"];
  problems: ArgumentProblem[];
  moved: { from: string; to: string; value: unknown }[];
}

/**
 * Reads arguments generously: objects, lists, numbers and booleans that arrive as JSON text; null, empty text, lists and
 * objects as "not set", at every depth; and arguments under their other names. What the schema does not know is told
 * apart by whether it looks like something it does know. Values that do not fit stay, for the schema to judge.
 */
export function readArguments(
  given: unknown,
  schema: z.ZodType,
  { otherNames = {}, onlyTypos = false }: { otherNames?: OtherNames; onlyTypos?: boolean } = {},
): ReadArguments {
  const shape = describe(jsonSchemaOf(schema));
  const reading: Reading = {
    otherNames,
    isMeant: onlyTypos ? isTypoOf : looksLike,
    unknown: [],
    problems: [],
    moved: [],
  };
  const said = typeof given === "string" ? (tryParseJson(given) ?? {}) : given;
  const args = isJsonObject(said) ? readMembers(said, shape, [], reading) : {};
  for (const { from, to, value } of reading.moved) {
    const path = to.split(".");
    const read = readValue(value, schemaAt(shape, path), path, reading);
    if (read !== undefined) move(args, path, read, { from, reading });
  }
  return { args, unknown: reading.unknown, problems: reading.problems };
}

/** The value as the schema means it; undefined when that is "not set". */
function readValue(value: unknown, schema: unknown, path: string[], reading: Reading): unknown {
  if (value === null || value === undefined) return undefined;
  // Below what the schema describes there is nothing to correct, and no limit to how deep a value may go.
  if (schema === undefined) return value;
  const shape = describe(schema);
  const said = typeof value === "string" ? readText(value, shape) : value;
  if (shape.reads === "data") return said;
  if (said === "" || said === null) return undefined;
  if (shape.reads === "itself" || (shape.reads === "task_spec" && isOutputSchema(said)))
    return isNotSet(said) ? undefined : said;
  if (Array.isArray(said)) {
    // A row of data that is null is refused by its schema: without it the others would have other places.
    const isRow = describe(shape.items).reads === "data";
    const items = said
      .map((item, index) =>
        item === null && isRow
          ? null
          : readValue(item, shape.items, [...path, String(index)], reading),
      )
      .filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (!isJsonObject(said) || !shape.types.has("object")) return said;
  const members =
    shape.properties.size === 0
      ? Object.fromEntries(Object.entries(said).filter(([, member]) => member !== null))
      : readMembers(said, shape, path, reading);
  return Object.keys(members).length === 0 ? undefined : members;
}

/** Nothing, or a list or object of nothing. */
function isNotSet(value: unknown): boolean {
  if (value === null || value === "") return true;
  if (Array.isArray(value)) return value.every(isNotSet);
  return isJsonObject(value) && Object.values(value).every(isNotSet);
}

function readMembers(
  given: JsonObject,
  { properties }: Shape,
  path: string[],
  reading: Reading,
): JsonObject {
  const members: JsonObject = {};
  const within = path.map((name) => `${name}.`).join("");
  for (const [name, value] of Object.entries(given)) {
    const schema = properties.get(name);
    if (schema !== undefined) {
      const read = readValue(value, schema, [...path, name], reading);
      if (read !== undefined) members[name] = read;
      continue;
    }
    if (value === null) continue;
    const from = within + name;
    if (Object.hasOwn(reading.otherNames, from)) {
      reading.moved.push({ from, to: reading.otherNames[from] ?? from, value });
      continue;
    }
    const meant = meantBy(name, within, [...properties.keys()], reading);
    if (path.length === 0) reading.unknown.push({ name, meant });
    else reading.problems.push({ argument: from, fix: unknownText(meant) });
  }
  return members;
}

function meantBy(
  name: string,
  within: string,
  known: readonly string[],
  { otherNames, isMeant }: Reading,
): string | null {
  const direct = known.find((one) => isMeant(name, one));
  if (direct !== undefined) return within + direct;
  const other = Object.entries(otherNames).find(
    ([path, to]) =>
      path.startsWith(within) &&
      !path.slice(within.length).includes(".") &&
      // Other names of whole arguments are words that names of hosts have too: `session_id`, `user_query`.
      (to.includes(".") ? isMeant : isTypoOf)(name, path.slice(within.length)),
  );
  return other?.[1] ?? null;
}

/** What to do about a name that is not known where it stands. */
export function unknownText(meant: string | null): string {
  return meant === null ? "unknown here; remove it" : `unknown here; did you mean ${meant}?`;
}

/** Puts a value where it belongs, unless something else is there. */
function move(
  args: JsonObject,
  path: readonly string[],
  value: unknown,
  { from, reading }: { from: string; reading: Reading },
): void {
  const [name = "", ...rest] = path;
  const present = args[name];
  if (rest.length > 0 && (present === undefined || isJsonObject(present))) {
    const inner: JsonObject = { ...present };
    move(inner, rest, value, { from, reading });
    args[name] = inner;
    return;
  }
  if (present === undefined) {
    args[name] = value;
  } else if (JSON.stringify(present) !== JSON.stringify(value)) {
    const fix = `it is another name of ${reading.otherNames[from]}, which is given too; leave one out`;
    reading.problems.push({ argument: from, fix });
  }
}

interface Shape {
  types: Set<string>;
  properties: Map<string, unknown>;
  items: unknown;
  reads: Reads | undefined;
}

/** The schemas are those of the tools, and never change. */
const jsonSchemas = new WeakMap<z.ZodType, JsonObject>();
const shapes = new WeakMap<object, Shape>();

function jsonSchemaOf(schema: z.ZodType): JsonObject {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = JsonObjectSchema.parse(z.toJSONSchema(schema, { io: "input" }));
  jsonSchemas.set(schema, made);
  return made;
}

/** What a schema admits, with the members of `anyOf` taken together. */
function describe(schema: unknown): Shape {
  const shape: Shape = {
    types: new Set(),
    properties: new Map(),
    items: undefined,
    reads: undefined,
  };
  if (!isJsonObject(schema)) return shape;
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  shapes.set(schema, shape);
  const { type, anyOf, properties, items, reads } = schema;
  for (const name of Array.isArray(type) ? type : [type]) {
    if (typeof name === "string") shape.types.add(name === "integer" ? "number" : name);
  }
  if (isJsonObject(properties)) shape.properties = new Map(Object.entries(properties));
  shape.items = items;
  if (reads === "data" || reads === "itself" || reads === "task_spec") shape.reads = reads;
  for (const member of Array.isArray(anyOf) ? anyOf : []) {
    const inner = describe(member);
    for (const name of inner.types) shape.types.add(name);
    for (const [name, property] of inner.properties) shape.properties.set(name, property);
    shape.items ??= inner.items;
    shape.reads ??= inner.reads;
  }
  return shape;
}

function schemaAt(shape: Shape, [name = "", ...rest]: readonly string[]): unknown {
  const schema = shape.properties.get(name);
  return rest.length === 0 ? schema : schemaAt(describe(schema), rest);
}

/** Read as an object, such a number would become text of its own, so the whole stays the text that it is. */
const LONG_INTEGER = /\d{16}/;

/** Text that is JSON of a type the schema admits; where text is admitted too, only an object is worth reading. */
function readText(text: string, { types }: Shape): unknown {
  if (types.size === 0) return text;
  if (!types.has("string")) {
    const parsed = tryParseJson(text);
    return parsed === null || types.has(typeOf(parsed)) ? parsed : text;
  }
  if (!types.has("object") || !text.trimStart().startsWith("{") || LONG_INTEGER.test(text)) {
    return text;
  }
  const parsed = tryParseJson(text);
  return isJsonObject(parsed) ? parsed : text;
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}
