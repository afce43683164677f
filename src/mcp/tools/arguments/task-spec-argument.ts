import { z } from "zod";
import { type SchemaProblem, checkTaskSpec } from "../../../task-api/schema/output-schema-rules.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import {
  InputSchemaSpec,
  JsonObject,
  OutputSchemaSpec,
  TaskSpec,
  isJsonObject,
  isOutputSchema,
} from "../../../task-api/task-spec.ts";
import { tryParseJson } from "../../../text/json.ts";

/** A request of which only the task spec matters. */
export function requestWith(taskSpec: TaskSpec): RunInput {
  return { input: "", processor: "", task_spec: taskSpec };
}

/**
 * Adds the problems that every backend rejects, each at its path. Rules that only some backends have are left to the
 * backend.
 */
function addProblems(problems: readonly SchemaProblem[], context: z.RefinementCtx): void {
  for (const { pointer, message, isDisputed } of problems) {
    if (isDisputed) continue;
    // The pointer starts at the request; its first name is the argument that zod is validating.
    const path = pointer.split("/").slice(2);
    context.addIssue({
      code: "custom",
      path: path.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")),
      message,
    });
  }
}

const TYPES: ReadonlySet<string> = new Set(["text", "json", "auto"]);

/**
 * Reads an output or input schema in any unambiguous form: a bare JSON Schema without the wrapper `{"type":"json"}`,
 * the wrapper of other APIs (`json_schema.schema`), members that are null because a model fills in every field, and
 * instructions beside a JSON Schema, which belong at its root.
 */
function readSchema(value: unknown): unknown {
  // No report is described by one of these words.
  if (typeof value === "string" && TYPES.has(value.trim().toLowerCase())) {
    return { type: value.trim().toLowerCase() };
  }
  if (!isJsonObject(value)) return value;
  if (isBareSchema(value)) return { type: "json", json_schema: value };
  const { type, json_schema, schema, description, ...rest } = Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== ""),
  );
  const wrapped = jsonObject(json_schema ?? schema);
  if (wrapped === undefined) {
    return {
      ...(type !== undefined && { type }),
      ...(description !== undefined && { description }),
      ...rest,
    };
  }
  const inner = isJsonObject(wrapped["schema"]) ? wrapped["schema"] : wrapped;
  return {
    type: type === "json_schema" || type === undefined ? "json" : type,
    json_schema: description === undefined ? inner : { description, ...inner },
    ...rest,
  };
}

/** A description is never named `object`, and none of the wrappers has properties. */
function isBareSchema({ type, properties, json_schema }: JsonObject): boolean {
  return json_schema === undefined && (type === "object" || isJsonObject(properties));
}

function jsonObject(value: unknown): JsonObject | undefined {
  if (typeof value !== "string") return isJsonObject(value) ? value : undefined;
  return JsonObject.safeParse(tryParseJson(value)).data;
}

const FullTaskSpec = TaskSpec.extend({
  output_schema: z.preprocess(readSchema, OutputSchemaSpec).meta({
    reads: "itself",
    description:
      "A description of the report, or a JSON Schema as text: an object with all properties required.",
  }),
  input_schema: z.preprocess(readSchema, InputSchemaSpec).meta({ reads: "itself" }).optional(),
}).superRefine((spec, context) => addProblems(checkTaskSpec(requestWith(spec)).errors, context));

/**
 * `task_spec`, read generously and checked by every rule that all sources of the API have for it. The schema of the output
 * alone is taken too, and its description.
 */
export const TaskSpecArgument = z
  .preprocess(
    (value) =>
      typeof value === "string" || isOutputSchema(value) ? { output_schema: value } : value,
    FullTaskSpec,
  )
  .meta({ reads: "task_spec" });
