import { z } from "zod";
import type { TaskSpec } from "../../task-api/task-spec.ts";

/** The short way to ask for structured output: a name and a description per field. */
export const OutputFields = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[\p{L}\p{N}_-]{1,64}$/u, "use 1 to 64 letters, digits, - or _"),
      description: z.string().nullish(),
    }),
  )
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
  });
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
