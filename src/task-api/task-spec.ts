import { z } from "zod";
import { isLongNumber } from "../text/json.ts";

/** A JSON object whose keys the contract does not name. */
export const JsonObject = z.record(z.string(), z.unknown());
export type JsonObject = z.infer<typeof JsonObject>;

/** Whether a JSON value is an object. Its content is not checked. */
export function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The keywords whose values are numbers. Source: JSON Schema 2020-12, Validation, 6.2. */
const LIMITS = new Set([
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
]);

/** A limit with more digits than a double keeps (of 64-bit integers, say) was read as text: it is the nearest number. */
function readLimits(schema: JsonObject): JsonObject {
  const read = (value: unknown, name: string): unknown => {
    if (typeof value === "string") {
      return LIMITS.has(name) && isLongNumber(value) ? Number(value) : value;
    }
    if (Array.isArray(value)) return value.map((item) => read(item, ""));
    return isJsonObject(value) ? readLimits(value) : value;
  };
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, read(value, name)]),
  );
}

/** Output (or input) that follows a JSON Schema. Source: Task API, `task_spec`. */
export const JsonSchemaSpec = z.strictObject({
  type: z.literal("json").default("json"),
  json_schema: JsonObject.overwrite(readLimits),
});
export type JsonSchemaSpec = z.infer<typeof JsonSchemaSpec>;

/** A Markdown report; `description` steers its length and content. */
export const TextSchemaSpec = z.strictObject({
  type: z.literal("text").default("text"),
  description: z.string().nullish(),
});
export type TextSchemaSpec = z.infer<typeof TextSchemaSpec>;

/** The processor designs the structure itself. */
export const AutoSchemaSpec = z.strictObject({ type: z.literal("auto").default("auto") });
export type AutoSchemaSpec = z.infer<typeof AutoSchemaSpec>;

/**
 * `type` distinguishes the members; a bare string is a text description. The order matters only for a body without
 * `type`: with `json_schema` it can only be JSON, everything else is text.
 */
export const OutputSchemaSpec = z.union(
  [z.string(), JsonSchemaSpec, TextSchemaSpec, AutoSchemaSpec],
  {
    error:
      'write a description as a string, or {"type":"json","json_schema":{…}}, {"type":"text"} or {"type":"auto"}',
  },
);
export type OutputSchemaSpec = z.infer<typeof OutputSchemaSpec>;

export const InputSchemaSpec = z.union([z.string(), JsonSchemaSpec, TextSchemaSpec], {
  error: 'write a description as a string, or {"type":"json","json_schema":{…}} or {"type":"text"}',
});
export type InputSchemaSpec = z.infer<typeof InputSchemaSpec>;

/** The form of the output and of the input. Source: Task API, `TaskSpec`. */
export const TaskSpec = z.strictObject({
  output_schema: OutputSchemaSpec,
  input_schema: InputSchemaSpec.nullish(),
});
export type TaskSpec = z.infer<typeof TaskSpec>;

/** Whether a value is the schema of an output, where a task spec was expected: none of its members has these names. */
export function isOutputSchema(value: unknown): value is JsonObject {
  return (
    isJsonObject(value) &&
    !Object.hasOwn(value, "output_schema") &&
    ["type", "properties", "json_schema"].some((name) => Object.hasOwn(value, name))
  );
}

/** A task spec's output schema with the shorthand resolved: what an executor has to produce. */
export type RequestedOutput =
  | { type: "json"; jsonSchema: JsonObject }
  | { type: "text"; description: string | null }
  | { type: "auto" };

/** Resolves the bare string and the omitted spec (which means `auto`). */
export function requestedOutput(spec: TaskSpec | null | undefined): RequestedOutput {
  if (spec === null || spec === undefined) return { type: "auto" };
  const schema = spec.output_schema;
  if (typeof schema === "string") return { type: "text", description: schema };
  switch (schema.type) {
    case "json":
      return { type: "json", jsonSchema: schema.json_schema };
    case "text":
      return { type: "text", description: schema.description ?? null };
    case "auto":
      return { type: "auto" };
  }
}
