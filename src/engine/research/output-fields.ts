import { z } from "zod";
import { resolveSchema } from "../../task-api/schema/resolve-schema.ts";
import { typesOf } from "../../task-api/schema/walk-schema.ts";
import { isJsonObject, JsonObject } from "../../task-api/task-spec.ts";

/** The form of a value, reduced to what documents can answer. */
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
  description: z.string().optional().catch(undefined),
  properties: JsonObject.optional().catch(undefined),
  required: z.array(z.string()).catch([]),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).optional().catch(undefined),
  const: z.unknown().optional(),
  format: z.unknown().optional(),
});
type SchemaNode = z.infer<typeof SchemaNode>;

/** The API allows 5 levels; more can only be a schema that refers to itself. */
const MAX_DEPTH = 8;
/** The API allows 100 properties; references can multiply them without limit. */
const MAX_PARTS = 2_000;

/** The fields of an output schema, in order. What cannot be understood is read as a string field. */
export function readOutputFields(jsonSchema: JsonObject): OutputField[] {
  let parts = 0;
  const { shape } = readField("", jsonSchema, 0);
  return shape.kind === "object" ? [...shape.fields] : [];

  function readField(name: string, node: unknown, depth: number): OutputField {
    const whole = flatten(node, MAX_DEPTH);
    const schema = SchemaNode.parse(whole);
    const type = typesOf(whole).find((candidate) => candidate !== "null");
    const format = schema.format === "date" ? " (YYYY-MM-DD)" : "";
    const description = (schema.description ?? "") + format;
    return { name, description, shape: readShape(type, schema, depth) };
  }

  function readShape(type: unknown, schema: SchemaNode, depth: number): FieldShape {
    const isTooDeep = depth >= MAX_DEPTH || parts > MAX_PARTS;
    const { additionalProperties: others, properties, items, required } = schema;
    if (!isTooDeep && (type === "object" || properties !== undefined)) {
      // A field that `required` names is wanted although `properties` does not describe it.
      const named = required.map((field) => [field, others ?? {}] as const);
      const all = Object.entries({ ...Object.fromEntries(named), ...properties });
      return {
        kind: "object",
        fields: all.map(([name, node]) => readField(name, node, depth + 1)),
      };
    }
    if (!isTooDeep && (type === "array" || items !== undefined)) {
      return { kind: "array", items: readField("", items ?? {}, depth + 1) };
    }
    const options = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
    if (type === "boolean") return { kind: "boolean" };
    if (type === "number" || type === "integer") {
      const numbers = options?.filter((option) => typeof option === "number");
      return { kind: type, options: numbers ?? null };
    }
    const texts = options?.filter((option) => typeof option === "string");
    return { kind: "string", options: texts ?? null };
  }

  /** The schema with what it refers to, all of its parts, and the first of its alternatives that is not null. */
  function flatten(node: unknown, hops: number): JsonObject {
    parts += 1;
    if (!isJsonObject(node) || parts > MAX_PARTS) return {};
    const resolved = resolveSchema(jsonSchema, node);
    const chosen = resolved?.alternatives.find(
      (one) => !typesOf(one).some((type) => type === "null") || typesOf(one).length > 1,
    );
    return chosen !== undefined && hops > 0 ? flatten(chosen, hops - 1) : (resolved?.schema ?? {});
  }
}
