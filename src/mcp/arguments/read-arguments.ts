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

/** The arguments of a call after lenient reading. */
export interface ReadArguments {
  args: JsonObject;
  /** Arguments that the schema does not have, each with the name that was probably intended. */
  unknown: { name: string; meant: string | null }[];
  problems: ArgumentProblem[];
}

/** Other names under which callers know an argument, by their path: `output_schema` is `task_spec.output_schema`. */
export type OtherNames = Readonly<Record<string, string>>;

/**
 * How a schema has its value read (`meta({ reads })`). `data`: the caller's own, never changed, empty text included.
 * `itself`: only the schema judges it; so is a `task_spec` that is the schema of an output. JSON text is parsed for all.
 */
type Reads = "data" | "itself" | "task_spec";

interface Reading {
  otherNames: OtherNames;
  /** Whether an unknown name may be a misspelling of a known one. */
  isMeant: (name: string, known: string) => boolean;
  unknown: ReadArguments["unknown"];
  problems: ArgumentProblem[];
  moved: { from: string; to: string; value: unknown }[];
}

/**
 * Reads arguments leniently. Objects, lists, numbers and booleans may be JSON text; null and empty values mean "not set"
 * at every depth; other names are mapped. Unknown names come back with a suggestion. The schema judges the values.
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

/** The value as the schema expects it; undefined for "not set". */
function readValue(value: unknown, schema: unknown, path: string[], reading: Reading): unknown {
  if (value === null || value === undefined) return undefined;
  // Values below the schema stay as they are; they may be nested without limit, so no recursion.
  if (schema === undefined) return value;
  const shape = describe(schema);
  const said = typeof value === "string" ? readText(value, shape) : value;
  if (shape.reads === "data") return said;
  if (said === "" || said === null) return undefined;
  if (shape.reads === "itself" || (shape.reads === "task_spec" && isOutputSchema(said)))
    return isNotSet(said) ? undefined : said;
  if (Array.isArray(said)) {
    // A null row must reach its schema, which rejects it: dropping it would shift the rows after it.
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

/** Null, empty text, or a list or object of only such values. */
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
      // Hosts add names such as `session_id` and `user_query`, which share words with other names of whole arguments.
      (to.includes(".") ? isMeant : isTypoOf)(name, path.slice(within.length)),
  );
  return other?.[1] ?? null;
}

/** The fix for an unknown name. */
export function unknownText(meant: string | null): string {
  return meant === null ? "unknown here; remove it" : `unknown here; did you mean ${meant}?`;
}

/** Moves a value to its path; a different value already there is a problem. */
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

/** Cached per schema: tool schemas never change. */
const jsonSchemas = new WeakMap<z.ZodType, JsonObject>();
const shapes = new WeakMap<object, Shape>();

function jsonSchemaOf(schema: z.ZodType): JsonObject {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = JsonObjectSchema.parse(z.toJSONSchema(schema, { io: "input" }));
  jsonSchemas.set(schema, made);
  return made;
}

/** Describes what a schema accepts, with all members of `anyOf` merged. */
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

/** Parsing would turn such a number into text, so the caller's JSON text stays unparsed. */
const LONG_INTEGER = /\d{16}/;

/** Parses JSON text of a type that the schema accepts. Where it accepts text too, only an object is parsed. */
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
