import { typesOf } from "../../../task-api/schema-walk.ts";
import { isJsonObject, type JsonObject } from "../../../task-api/task-spec.ts";

/** What strings hold; clearly no answer. */
const EXAMPLE_TEXT = "…";
/** References can multiply a small schema without limit; no test needs more than this. */
const MAX_VALUES = 10_000;

/**
 * A small value that follows a JSON schema of the subset the API accepts: the first value of an enum, every property,
 * one item per list, and null only where nothing else is allowed. A reference that leads back to itself ends there.
 */
export function exampleValue(schema: JsonObject): JsonObject {
  let built = 0;

  /** Undefined when there is no finite value. */
  function build(node: unknown, openRefs: readonly string[]): unknown {
    built += 1;
    if (built > MAX_VALUES) return undefined;
    if (!isJsonObject(node)) return EXAMPLE_TEXT;
    const { $ref: ref, anyOf, oneOf, allOf, ...rest } = node;
    if (typeof ref === "string") {
      if (openRefs.includes(ref)) return undefined;
      return build(merge(rest, resolve(node)), [...openRefs, ref]);
    }
    if (Array.isArray(allOf)) {
      const members: readonly unknown[] = allOf;
      const refs = members.flatMap((member) => refOf(member) ?? []);
      if (refs.some((open) => openRefs.includes(open))) return undefined;
      const whole = members.map(resolve).reduce(merge, { ...rest, anyOf, oneOf });
      return build(whole, [...openRefs, ...refs]);
    }
    const alternatives: unknown = anyOf ?? oneOf;
    if (Array.isArray(alternatives)) return buildFirst(rest, alternatives, openRefs);
    return buildPlain(rest, openRefs);
  }

  function resolve(node: unknown): unknown {
    const ref = refOf(node);
    return ref === undefined ? node : readPointer(schema, ref);
  }

  function buildFirst(
    shared: JsonObject,
    alternatives: readonly unknown[],
    openRefs: readonly string[],
  ): unknown {
    let found: unknown;
    for (const alternative of alternatives) {
      const value = build(merge(shared, alternative), openRefs);
      if (value !== undefined && value !== null) return value;
      if (value === null) found = null;
    }
    return found;
  }

  function buildPlain(node: JsonObject, openRefs: readonly string[]): unknown {
    if (node["const"] !== undefined) return node["const"];
    const values: unknown = node["enum"];
    if (Array.isArray(values)) return values.find((value) => value !== null) ?? null;
    const types = typesOf(node);
    switch (types.find((type) => type !== "null") ?? impliedType(node, types)) {
      case "object":
        return buildObject(node, openRefs);
      case "array":
        return buildArray(node, openRefs);
      case "number":
      case "integer":
        return 0;
      case "boolean":
        return false;
      case "null":
        return null;
      default:
        return EXAMPLE_TEXT;
    }
  }

  function buildObject(node: JsonObject, openRefs: readonly string[]): JsonObject {
    const properties = isJsonObject(node["properties"]) ? node["properties"] : {};
    const required: readonly unknown[] = Array.isArray(node["required"]) ? node["required"] : [];
    const names = new Set([
      ...Object.keys(properties),
      ...required.filter((name) => typeof name === "string"),
    ]);
    const entries: [string, unknown][] = [];
    for (const name of names) {
      const isNamed = Object.hasOwn(properties, name);
      const property = isNamed ? properties[name] : node["additionalProperties"];
      const value = build(property, openRefs);
      if (value !== undefined) entries.push([name, value]);
    }
    return Object.fromEntries(entries);
  }

  function buildArray(node: JsonObject, openRefs: readonly string[]): unknown[] {
    const { prefixItems, items } = node;
    if (Array.isArray(prefixItems)) return prefixItems.map((item) => build(item, openRefs) ?? null);
    const item = items === false ? undefined : build(items, openRefs);
    return item === undefined ? [] : [item];
  }

  const value = build(schema, []);
  return isJsonObject(value) ? value : {};
}

function refOf(node: unknown): string | undefined {
  const ref = isJsonObject(node) ? node["$ref"] : undefined;
  return typeof ref === "string" ? ref : undefined;
}

function impliedType(node: JsonObject, types: readonly unknown[]): unknown {
  if (types.length > 0) return "null";
  if ("properties" in node) return "object";
  return "items" in node || "prefixItems" in node ? "array" : "string";
}

/** Both schemas in one; where they disagree, the second. */
function merge(first: JsonObject, second: unknown): JsonObject {
  if (!isJsonObject(second)) return first;
  const [a, b] = [first["properties"], second["properties"]];
  if (!isJsonObject(a) || !isJsonObject(b)) return { ...first, ...second };
  return { ...first, ...second, properties: { ...a, ...b } };
}

/** What a reference into the schema itself (`#/$defs/name`) names. */
function readPointer(root: JsonObject, ref: string): unknown {
  let node: unknown = root;
  for (const part of ref.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}
