import { isJsonObject, type JsonObject } from "../task-spec.ts";
import { listOf, typesOf, walkSchema } from "./walk-schema.ts";

/** A schema with what it refers to. */
export interface ResolvedSchema {
  /** Its keywords and those of `$ref` and `allOf`, without these and without `anyOf` and `oneOf`. */
  schema: JsonObject;
  /** Each member of `anyOf` or `oneOf` with these keywords; it may need resolving again. Empty: there is no choice. */
  alternatives: readonly JsonObject[];
  /** The references that led here, those given included. */
  followed: readonly string[];
}

/**
 * Resolves one schema inside `root`, not those inside it. Undefined when it refers back to one of the `followed`
 * references: then it has no end. A description beside a reference wins over the one it refers to.
 */
export function resolveSchema(
  root: JsonObject,
  node: JsonObject,
  followed: readonly string[] = [],
): ResolvedSchema | undefined {
  const { $ref: ref, allOf, anyOf, oneOf, ...own } = node;
  // Resolves one reference or one list of parts at a time; the next round resolves their content.
  const parts = typeof ref === "string" ? [{ $ref: ref }] : listOf(allOf);
  if (parts.length === 0) {
    const alternatives = listOf(anyOf ?? oneOf).map((one) => describe(mergeSchemas(own, one), own));
    return { schema: own, alternatives, followed };
  }
  const refs = parts.flatMap((part) => refOf(part) ?? []);
  if (refs.some((name) => followed.includes(name))) return undefined;
  const targets = parts.map((part) => {
    const name = refOf(part);
    if (name === undefined || !isJsonObject(part)) return part;
    const { $ref: _followed, ...beside } = part;
    return describe(mergeSchemas(beside, readPointer(root, name)), beside);
  });
  const rest = {
    ...own,
    ...(anyOf !== undefined && { anyOf }),
    ...(oneOf !== undefined && { oneOf }),
    ...(typeof ref === "string" && allOf !== undefined && { allOf }),
  };
  const whole = targets.reduce<JsonObject>(mergeSchemas, rest);
  return resolveSchema(root, describe(whole, own), [...followed, ...refs]);
}

/** The schema with the description of another, where that has one. */
function describe(schema: JsonObject, { description }: JsonObject): JsonObject {
  return description === undefined ? schema : { ...schema, description };
}

/** Both schemas in one; where they disagree, the second. A property that both describe follows both. */
function mergeSchemas(first: JsonObject, second: unknown): JsonObject {
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

function refOf(node: unknown): string | undefined {
  const ref = isJsonObject(node) ? node["$ref"] : undefined;
  return typeof ref === "string" ? ref : undefined;
}

/** Resolves a reference into the schema itself: `#/$defs/name`, an `$anchor`, or an `$id`. */
function readPointer(root: JsonObject, ref: string): unknown {
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
