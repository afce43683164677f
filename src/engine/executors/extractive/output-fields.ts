import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";

/** What a value must look like, reduced to what documents can answer. */
export type FieldShape =
  | { kind: "string"; options: readonly string[] | null }
  | { kind: "number" | "integer"; options: readonly number[] | null }
  | { kind: "boolean" }
  | { kind: "array"; items: OutputField }
  | { kind: "object"; fields: readonly OutputField[] };

export interface OutputField {
  name: string;
  description: string;
  shape: FieldShape;
}

const SchemaNode = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional().catch(undefined),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  format: z.unknown().optional(),
  $ref: z.string().optional(),
});
type SchemaNode = z.infer<typeof SchemaNode>;

/** The API allows 5 levels; more can only be a schema that refers to itself. */
const MAX_DEPTH = 8;

/** The fields of an output schema, in order. What cannot be understood is read as a string field. */
export function readOutputFields(jsonSchema: JsonObject): OutputField[] {
  const { shape } = readField("", jsonSchema, jsonSchema, 0);
  return shape.kind === "object" ? [...shape.fields] : [];
}

function readField(name: string, node: unknown, root: JsonObject, depth: number): OutputField {
  const schema = resolve(SchemaNode.catch({}).parse(node), root, MAX_DEPTH);
  const variants = (schema.anyOf ?? schema.oneOf ?? []).map((variant) =>
    SchemaNode.catch({}).parse(variant),
  );
  const chosen = variants.find((variant) => variant.type !== "null");
  if (chosen !== undefined && depth < MAX_DEPTH) {
    return readField(name, { description: schema.description, ...chosen }, root, depth + 1);
  }
  const type = [schema.type ?? []].flat().find((candidate) => candidate !== "null");
  const shape = readShape(type, schema, root, depth);
  const format = schema.format === "date" ? " (YYYY-MM-DD)" : "";
  return { name, description: (schema.description ?? "") + format, shape };
}

function readShape(
  type: string | undefined,
  schema: SchemaNode,
  root: JsonObject,
  depth: number,
): FieldShape {
  const isTooDeep = depth >= MAX_DEPTH;
  if (!isTooDeep && (type === "object" || schema.properties !== undefined)) {
    const fields = Object.entries(schema.properties ?? {});
    return {
      kind: "object",
      fields: fields.map(([name, node]) => readField(name, node, root, depth + 1)),
    };
  }
  if (!isTooDeep && (type === "array" || schema.items !== undefined)) {
    return { kind: "array", items: readField("", schema.items ?? {}, root, depth + 1) };
  }
  const options = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (type === "boolean") return { kind: "boolean" };
  if (type === "number" || type === "integer") {
    return { kind: type, options: options?.filter((option) => typeof option === "number") ?? null };
  }
  return {
    kind: "string",
    options: options?.filter((option) => typeof option === "string") ?? null,
  };
}

/** Follows `#/$defs/…` references inside the schema. */
function resolve(schema: SchemaNode, root: JsonObject, hops: number): SchemaNode {
  if (schema.$ref === undefined || hops === 0) return schema;
  const path = schema.$ref.replace(/^#\/?/, "").split("/");
  const target = path.reduce<unknown>((node, key) => JsonObject.catch({}).parse(node)[key], root);
  return resolve(SchemaNode.catch({}).parse(target), root, hops - 1);
}
