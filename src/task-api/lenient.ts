import { z } from "zod";
import { type JsonObject, isJsonObject } from "./task-spec.ts";

/**
 * Returns a replacement for a value that cannot be read, or undefined if there is none. `owner` is the object that
 * contains the value, as it was sent; `known` is what the reader knew before the request.
 */
export type Instead = (value: unknown, owner: JsonObject, known: JsonObject) => unknown;

const substitutes = new WeakMap<z.core.$ZodType, Instead>();

/** The same schema; a lenient reader takes `instead` of a value that does not fit it. */
export function orElse<Schema extends z.ZodType>(schema: Schema, instead: Instead): Schema {
  substitutes.set(schema, instead);
  return schema;
}

/** Text as it is, and every other value but null as JSON. */
export const asText: Instead = (value) =>
  value === null || value === undefined ? undefined : textOf(value);

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}

const unreadable = new WeakMap<object, readonly string[]>();

/**
 * The parts of an answer that could not be read: the paths of fields that were left out, derived or read as text; an
 * empty path for the whole answer.
 */
export function unreadableOf(part: object): readonly string[] {
  return unreadable.get(part) ?? [];
}

/** The same part with other values, of which the same could not be read. */
export function asReadable<Part extends object>(part: Part, source: object): Part {
  unreadable.set(part, unreadableOf(source));
  return part;
}

const NOT_READ = Symbol("not read");

/**
 * Parses a server's answer with a strict schema, each field on its own: an invalid field is replaced by what {@link
 * orElse} returns, or left out if it is optional. The result fits the schema; {@link unreadableOf} returns the lost
 * fields. Fails only when a required value has no replacement, with the problems of the strict schema.
 */
export function lenient<T>(schema: z.ZodType<T>, known: JsonObject = {}) {
  return {
    safeParse(body: unknown): z.ZodSafeParseResult<T> {
      const strict = schema.safeParse(body);
      if (strict.success) return strict;
      const lost: string[][] = [];
      const readable = createReader(known, lost)(schema, body, []);
      const read = readable === NOT_READ ? strict : schema.safeParse(readable);
      if (!read.success) return strict;
      for (const path of lost) note(read.data, path);
      return read;
    },
  };
}

type Read = (schema: z.core.$ZodType, value: unknown, path: string[]) => unknown;

/** The parts of a value that fit the schema, or {@link NOT_READ}; the paths of the others are added to `lost`. */
function createReader(known: JsonObject, lost: string[][]): Read {
  function read(schema: z.core.$ZodType, value: unknown, path: string[]): unknown {
    if (z.safeParse(schema, value).success) return value;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject && isJsonObject(value)) return readObject(inner, value, path);
    if (inner instanceof z.ZodArray && Array.isArray(value)) {
      const { element } = inner;
      return value.flatMap((item: unknown, index) => {
        const kept = readField(element, item, {}, [...path, String(index)]);
        return kept === NOT_READ ? [] : [kept];
      });
    }
    if (inner instanceof z.ZodRecord && isJsonObject(value)) {
      lost.push(path);
      const fits = ([, item]: [string, unknown]) => z.safeParse(inner.valueType, item).success;
      return Object.fromEntries(Object.entries(value).filter(fits));
    }
    if (inner instanceof z.ZodUnion) {
      for (const option of inner.options) {
        const before = lost.length;
        const kept = read(option, value, path);
        if (kept !== NOT_READ) return kept;
        lost.length = before;
      }
    }
    return NOT_READ;
  }

  function readObject(
    schema: z.ZodObject<Record<string, z.core.$ZodType>>,
    value: JsonObject,
    path: string[],
  ): unknown {
    const object = { ...value };
    for (const [key, field] of Object.entries(schema.shape)) {
      const kept = readField(field, value[key], value, [...path, key]);
      if (kept !== NOT_READ) object[key] = kept;
      else if (z.safeParse(field, undefined).success) delete object[key];
      else return NOT_READ;
    }
    return object;
  }

  function readField(
    schema: z.core.$ZodType,
    value: unknown,
    owner: JsonObject,
    path: string[],
  ): unknown {
    const before = lost.length;
    const kept = read(schema, value, path);
    if (kept !== NOT_READ) return kept;
    lost.length = before;
    lost.push(path);
    const instead = (substitutes.get(schema) ?? substitutes.get(unwrap(schema)))?.(
      value,
      owner,
      known,
    );
    return instead === undefined ? NOT_READ : read(schema, instead, path);
  }

  return read;
}

/** Removes wrappers such as optional and nullable. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const isWrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault;
  return isWrapper ? unwrap(schema.def.innerType) : schema;
}

/** Notes the path at every object on it, because callers pass the parts of an answer on. */
function note(part: unknown, path: string[]): void {
  if (!isJsonObject(part)) return;
  unreadable.set(part, [...unreadableOf(part), path.join(".")]);
  const [name, ...rest] = path;
  if (name !== undefined) note(part[name], rest);
}
