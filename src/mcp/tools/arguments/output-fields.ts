import { z } from "zod";
import { type TaskSpec, isJsonObject } from "../../../task-api/task-spec.ts";

const NAME = /^[\p{L}\p{N}_-]{1,64}$/u;

const Field = z.strictObject({
  name: z.string().regex(NAME, "use 1 to 64 letters, digits, - or _"),
  description: z.string().nullish(),
});

/** Fields as a list of names, of objects or of both; as names in one text; or as an object of descriptions by name. */
function readFields(value: unknown): unknown {
  if (typeof value === "string") return readFields(value.split(",").map((name) => name.trim()));
  if (isJsonObject(value)) {
    // `name` and `description` may be names of fields too, but then the first would be described by a name.
    if (Field.safeParse(value).success) return [value];
    return Object.entries(value).map(([name, description]) => ({ name, description }));
  }
  if (!Array.isArray(value)) return value;
  return value.map((field: unknown) => (typeof field === "string" ? { name: field } : field));
}

/** The short way to ask for structured output: a name and a description per field. */
export const OutputFields = z.preprocess(
  readFields,
  z
    .array(Field)
    .min(1, "name at least one field, or leave output_fields out")
    .superRefine((fields, context) => {
      const names = new Set<string>();
      for (const [index, { name }] of fields.entries()) {
        if (names.has(name)) {
          context.addIssue({
            code: "custom",
            path: [index, "name"],
            message: "the name is taken by a field before it; choose another",
          });
        }
        names.add(name);
      }
    }),
);
export type OutputFields = z.infer<typeof OutputFields>;

/**
 * The task spec that asks for these fields. Every field is a string, because the Task API gives its best answers in
 * prose-like strings ("$3.1 trillion (2023)"), and may be null, because without that a run has to invent what it did
 * not find. Source: Task API, "JSON schema restrictions".
 */
export function taskSpecOf(fields: OutputFields): TaskSpec {
  return {
    output_schema: {
      type: "json",
      json_schema: {
        type: "object",
        properties: Object.fromEntries(
          fields.map(({ name, description }) => [
            name,
            { type: ["string", "null"], ...(description ? { description } : {}) },
          ]),
        ),
        required: fields.map(({ name }) => name),
        additionalProperties: false,
      },
    },
  };
}
