import { isJsonObject, type JsonObject } from "../task-spec.ts";

/** A schema, and its position in the schema around it. */
export interface SchemaNode {
  schema: JsonObject;
  /** JSON pointer (RFC 6901) from the root. */
  pointer: string;
  /** How many objects and arrays are nested up to here, this one included. */
  level: number;
  isObject: boolean;
  isArray: boolean;
  /** It is a member of an `anyOf` or a `oneOf`. */
  isAlternative: boolean;
}

/** A schema, or a value that is no schema where one is required. */
type Found = { node: SchemaNode } | { malformed: { pointer: string; message: string } };

/** Where a schema holds further schemas: in a map by name, in a list, or as the value itself. */
const NAMED = ["properties", "$defs", "definitions"] as const;
const LISTED = ["anyOf", "oneOf", "allOf", "prefixItems"] as const;
const SINGLE = ["items", "additionalProperties", "not", "if", "then", "else"] as const;

/**
 * Visits a schema and the schemas inside it, outer ones first, down to the first one nested more than `maxLevel` levels
 * deep. `$ref` is not followed: definitions are visited where they stand. Takes time in proportion to the schema.
 */
export function* walkSchema(root: JsonObject, maxLevel: number): Generator<Found> {
  // A list instead of recursion, because a schema from outside may be nested deeper than the stack is. It grows while
  // it is read; an object that appears twice, or inside itself, is read once.
  const nodes = [createNode(root, "", 0, false)];
  const seen = new Set<JsonObject>([root]);
  for (const node of nodes) {
    yield { node };
    if (node.level > maxLevel) continue;
    for (const found of subschemas(node)) {
      if ("malformed" in found) {
        yield found;
      } else if (!seen.has(found.node.schema)) {
        seen.add(found.node.schema);
        nodes.push(found.node);
      }
    }
  }
}

/** Appends a name to a JSON pointer. */
export function pointerTo(parent: string, name: string): string {
  return `${parent}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The schema's `type`, which may be one or a union. */
export function typesOf(schema: JsonObject): readonly unknown[] {
  const type = schema["type"];
  if (type === undefined) return [];
  return Array.isArray(type) ? type : [type];
}

/** The items of what should be a list; none when it is something else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function createNode(
  schema: JsonObject,
  pointer: string,
  outerLevel: number,
  isAlternative: boolean,
): SchemaNode {
  const types = typesOf(schema);
  const isObject = types.includes("object") || "properties" in schema;
  const isArray = types.includes("array") || "items" in schema || "prefixItems" in schema;
  const level = outerLevel + (isObject || isArray ? 1 : 0);
  return { schema, pointer, level, isObject, isArray, isAlternative };
}

function* subschemas({ schema, pointer, level }: SchemaNode): Generator<Found> {
  for (const keyword of NAMED) {
    const named = schema[keyword];
    // A definition nests where it is used, not where it stands.
    const outerLevel = keyword === "properties" ? level : 0;
    if (isJsonObject(named)) {
      for (const [name, value] of Object.entries(named)) {
        yield read(value, pointerTo(`${pointer}/${keyword}`, name), outerLevel, false);
      }
    } else if (named !== undefined) {
      const message = `"${keyword}" must be an object that gives each name a schema`;
      yield { malformed: { pointer: `${pointer}/${keyword}`, message } };
    }
  }
  for (const keyword of LISTED) {
    const listed = schema[keyword];
    const isUnion = keyword === "anyOf" || keyword === "oneOf";
    if (Array.isArray(listed)) {
      for (const [index, value] of listed.entries()) {
        yield read(value, `${pointer}/${keyword}/${index}`, level, isUnion);
      }
    } else if (listed !== undefined) {
      const message = `"${keyword}" must be a list of schemas`;
      yield { malformed: { pointer: `${pointer}/${keyword}`, message } };
    }
  }
  for (const keyword of SINGLE) {
    const value = schema[keyword];
    // JSON Schema's `true` and `false` break no rule.
    if (value === undefined || typeof value === "boolean") continue;
    yield read(value, `${pointer}/${keyword}`, level, false);
  }
}

function read(value: unknown, pointer: string, outerLevel: number, isAlternative: boolean): Found {
  if (isJsonObject(value)) return { node: createNode(value, pointer, outerLevel, isAlternative) };
  return {
    malformed: { pointer, message: 'a schema must be an object, such as {"type": "string"}' },
  };
}
