import { resolveSchema } from "../../task-api/schema/resolve-schema.ts";
import { listOf, typesOf } from "../../task-api/schema/walk-schema.ts";
import { isJsonObject, type JsonObject } from "../../task-api/task-spec.ts";
import { admits, allowedValues, isOfType, isSame, limit } from "./schema-keywords.ts";

/** A path of the output for which nothing was found. */
export interface EmptyPlace {
  /** The names from the root, such as `company.founders[].name`. */
  path: string;
  /** False where the schema admits no empty value (a number, say): then null stands there, against the schema. */
  conforms: boolean;
}

/**
 * Builds a value that follows the JSON schema from `found`: the known part of the value, with null or nothing
 * elsewhere. Elsewhere a nullable value is null, any other optional property absent, a list empty and a string `""`, as
 * in the hosted API; a value with only one possibility has it. A found value of a type that its schema does not allow
 * counts as not found.
 */
export function conformToSchema(
  schema: JsonObject,
  found: unknown,
): { value: JsonObject; empty: EmptyPlace[] } {
  const { value, empty } = buildValue(schema, found, EMPTY);
  // The items of a list share a path; it conforms only when all of them do.
  const places = new Map<string, EmptyPlace>();
  for (const place of empty)
    if (places.get(place.path)?.conforms !== false) places.set(place.path, place);
  return { value, empty: [...places.values()] };
}

/** The values to use where nothing was found. */
export interface Filling {
  /** Null where it is allowed; otherwise only required properties, and no items. */
  isSparse: boolean;
  text(schema: JsonObject): string | undefined;
  number(schema: JsonObject): number | undefined;
  boolean: boolean | undefined;
  /** One of the values of an enum. */
  choose(values: readonly unknown[]): unknown;
}

const EMPTY: Filling = {
  isSparse: true,
  text: () => "",
  number: () => undefined,
  boolean: undefined,
  choose: (values) => (values.length === 1 ? values[0] : values.find((value) => value === "")),
};

/** References can multiply a small schema without limit; no output needs more than this. */
export const MAX_VALUES = 10_000;

interface Built {
  value: unknown;
  empty: EmptyPlace[];
  /** How many found values do not fit into it. */
  lost: number;
}

/** Builds a value that follows a schema and contains what is given; {@link Filling} has the values for the rest. */
export function buildValue(
  schema: JsonObject,
  found: unknown,
  filling: Filling,
): Built & { value: JsonObject } {
  let built = 0;

  /** Undefined when there is no finite value. `openRefs` are those followed for this value, or since nothing was found. */
  function build(
    node: unknown,
    given: unknown,
    path: string,
    openRefs: readonly string[],
  ): Built | undefined {
    if (isNothing(given)) built += 1;
    if (built > MAX_VALUES || node === false) return undefined;
    const resolved = resolveSchema(schema, isJsonObject(node) ? node : {}, openRefs);
    if (resolved === undefined) return undefined;
    const { schema: rest, alternatives, followed } = resolved;
    if (alternatives.length > 0) return buildBest(alternatives, given, path, followed);
    const types = typesOf(rest);
    if (types.length > 1) {
      const whole = types.map((type) => ({ ...rest, type }));
      return buildBest(whole, given, path, followed);
    }
    return buildPlain(rest, types[0] ?? impliedType(rest, given, filling), given, path, followed);
  }

  /** The alternative with the fewest faults; of equal ones the first. */
  function buildBest(
    alternatives: readonly JsonObject[],
    given: unknown,
    path: string,
    openRefs: readonly string[],
  ): Built | undefined {
    const prefersNull = filling.isSparse && isNothing(given);
    const faults = ({ value, empty, lost }: Built) =>
      (lost + empty.filter(({ conforms }) => !conforms).length) * 2 +
      Number((value === null) !== prefersNull);
    const best = alternatives
      .flatMap((alternative) => build(alternative, given, path, openRefs) ?? [])
      .toSorted((a, b) => faults(a) - faults(b))
      .at(0);
    if (best === undefined || best.lost === 0 || typeof given === "object") return best;
    const instead = buildBest(alternatives, undefined, path, openRefs);
    return instead && { ...instead, lost: 1 };
  }

  function buildPlain(
    node: JsonObject,
    type: unknown,
    given: unknown,
    path: string,
    openRefs: readonly string[],
  ): Built | undefined {
    const values = allowedValues(node)?.filter((value) => isOfType(value, type));
    if (values?.length === 0) return undefined;
    if (isNothing(given)) {
      const admitsNull = type === "null" || type === undefined;
      const isAdmitted = values === undefined || (filling.isSparse && values.includes(null));
      if (admitsNull && isAdmitted) return standIn(null, path, true);
    } else if (!isObjectOrList(type)) {
      const fits = admits(node, type, given) && (values?.some((one) => isSame(one, given)) ?? true);
      if (fits) return { value: given, empty: [], lost: 0 };
      const instead = build(node, undefined, path, openRefs);
      return instead && { ...instead, lost: 1 };
    }
    if (values !== undefined) {
      const value = filling.choose(values);
      if (value === undefined) return standIn(null, path, false);
      return { value, empty: value === "" ? [{ path, conforms: true }] : [], lost: 0 };
    }
    switch (type) {
      case "object":
        return buildObject(node, given, path, openRefs);
      case "array":
        return buildArray(node, given, path, openRefs);
      case "boolean":
        return leaf(filling.boolean);
      case "number":
      case "integer":
        return leaf(filling.number(node));
      default:
        return leaf(filling.text(node));
    }

    function leaf(value: unknown): Built {
      // No format admits "", but most validators ignore formats, and none takes null instead.
      const isMissing = value === undefined || (filling.isSparse && !admits(node, type, value));
      if (isMissing) return standIn(null, path, false);
      return standIn(value, path, value !== "" || node["format"] === undefined);
    }
  }

  function buildObject(
    node: JsonObject,
    given: unknown,
    path: string,
    openRefs: readonly string[],
  ): Built | undefined {
    const properties = isJsonObject(node["properties"]) ? node["properties"] : {};
    const required = new Set(listOf(node["required"]).filter((name) => typeof name === "string"));
    const least = Math.min(limit(node, "minProperties", 0), MAX_VALUES);
    for (const name of Object.keys(properties)) if (required.size < least) required.add(name);
    const dependent = isJsonObject(node["dependentRequired"]) ? node["dependentRequired"] : {};
    for (let at = 1; !filling.isSparse && required.size < least; at += 1)
      required.add(`name_${at}`);
    // The set grows while it is read.
    for (const name of required) {
      if (!Object.hasOwn(dependent, name)) continue;
      for (const other of listOf(dependent[name]))
        if (typeof other === "string") required.add(other);
    }
    const values = isJsonObject(given) ? given : {};
    const others = node["additionalProperties"] === false ? [] : Object.keys(values);
    const entries: [string, unknown][] = [];
    const result: Built = { value: {}, empty: [], lost: 0 };
    if (given !== undefined && given !== null && !isJsonObject(given)) result.lost += 1;
    for (const name of new Set([...Object.keys(properties), ...required, ...others])) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      const at = path === "" ? name : `${path}.${name}`;
      const property = Object.hasOwn(properties, name)
        ? properties[name]
        : node["additionalProperties"];
      const child = build(property, value, at, isNothing(value) ? openRefs : []);
      const isNull = child?.value === null && child.empty.every(({ conforms }) => conforms);
      if (filling.isSparse && isNothing(value) && !required.has(name) && !isNull) {
        // A property with a single possible value needed no search.
        if (allowedValues(property)?.length !== 1) result.empty.push({ path: at, conforms: true });
        continue;
      }
      if (child === undefined) {
        if (!required.has(name)) continue;
        if (isNothing(given) && path !== "") return undefined;
      }
      entries.push([name, child?.value ?? null]);
      result.empty.push(...(child?.empty ?? [{ path: at, conforms: false }]));
      result.lost += child?.lost ?? 0;
    }
    if (entries.length < least && isNothing(given) && path !== "") {
      return standIn(null, path, false);
    }
    const lost = Object.keys(values).filter((name) => !entries.some(([kept]) => kept === name));
    result.lost += lost.filter((name) => !isNothing(values[name])).length;
    return { ...result, value: Object.fromEntries(entries) };
  }

  function buildArray(
    node: JsonObject,
    given: unknown,
    path: string,
    openRefs: readonly string[],
  ): Built | undefined {
    const { minItems, maxItems } = node;
    const values = listOf(given);
    const prefix = listOf(node["prefixItems"]);
    const wanted = filling.isSparse ? 0 : prefix.length || 1;
    const least = Math.max(values.length, wanted, typeof minItems === "number" ? minItems : 0);
    const count = Math.min(least, typeof maxItems === "number" ? maxItems : least, MAX_VALUES);
    const result: Built & { value: unknown[] } = {
      value: [],
      empty: [],
      lost: Math.max(0, values.length - count),
    };
    if (given !== undefined && given !== null && !Array.isArray(given)) result.lost += 1;
    for (let index = 0; index < count; index += 1) {
      const value = values[index];
      const open = isNothing(value) ? openRefs : [];
      const item = build(prefix[index] ?? node["items"], value, `${path}[]`, open);
      if (item === undefined) break;
      result.value.push(item.value);
      result.empty.push(...item.empty);
      result.lost += item.lost;
    }
    if (values.length > 0 || !filling.isSparse) return result;
    const isLongEnough = result.value.length >= least;
    const conforms = isLongEnough && result.empty.every((place) => place.conforms);
    return standIn(conforms ? result.value : null, path, conforms);
  }

  const root = build(schema, found, "", []);
  return {
    empty: root?.empty ?? [],
    lost: root?.lost ?? 0,
    value: isJsonObject(root?.value) ? root.value : {},
  };
}

function standIn(value: unknown, path: string, conforms: boolean): Built {
  return { value, empty: [{ path, conforms }], lost: 0 };
}

/** An object or a list without any found value is treated like null. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.values(value).every(isNothing);
}

function isObjectOrList(type: unknown): boolean {
  return type === "object" || type === "array";
}

/** The type that a schema without `type` implies; undefined when it admits every type. */
function impliedType(node: JsonObject, given: unknown, filling: Filling): unknown {
  if ("properties" in node) return "object";
  if ("items" in node || "prefixItems" in node) return "array";
  if (isNothing(given)) return filling.isSparse || allowedValues(node) ? undefined : "string";
  if (Array.isArray(given)) return "array";
  return typeof given;
}
