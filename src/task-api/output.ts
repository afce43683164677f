import { z } from "zod";
import { type Instead, asText, orElse, textOf } from "./lenient.ts";
import { parseJson } from "../text/json.ts";
import { TaskRun } from "./run.ts";
import { JsonObject, isJsonObject } from "./task-spec.ts";

const orEmpty: Instead = (value) => textOf(value ?? "");

/** The source of a statement. Source: Task API, `Citation`. */
export const Citation = orElse(
  z.looseObject({
    /** Empty where a server leaves it out. */
    url: orElse(z.string(), () => ""),
    title: orElse(z.string(), asText).nullish(),
    excerpts: orElse(z.array(orElse(z.string(), asText)), (excerpt) =>
      typeof excerpt === "string" ? [excerpt] : undefined,
    ).nullish(),
  }),
  (value) => (typeof value === "string" ? { url: value } : undefined),
);
export type Citation = z.infer<typeof Citation>;

/** The evidence of one output field; `field` is `output` for text. Source: Task API, `FieldBasis`. */
export const FieldBasis = orElse(
  z.looseObject({
    /** Empty where a server leaves it out. */
    field: orElse(z.string(), () => ""),
    /** Processors below `core` may leave it out. */
    reasoning: orElse(z.string(), asText).default(""),
    citations: z.array(Citation).nullish(),
    /** `low`, `medium`, `high` by convention; an open string that may be empty. */
    confidence: orElse(z.string(), asText).nullish(),
  }),
  (value) => (typeof value === "string" ? { field: "", reasoning: value } : undefined),
);
export type FieldBasis = z.infer<typeof FieldBasis>;

/** One call of a tool on one of the run's MCP servers. `arguments` is JSON text. */
export const McpToolCall = z.looseObject({
  tool_call_id: orElse(z.string(), orEmpty),
  server_name: orElse(z.string(), orEmpty),
  tool_name: orElse(z.string(), orEmpty),
  arguments: orElse(z.string(), orEmpty),
  content: orElse(z.string(), asText).nullish(),
  error: orElse(z.string(), asText).nullish(),
});
export type McpToolCall = z.infer<typeof McpToolCall>;

const outputFields = {
  basis: z.array(FieldBasis).default([]),
  mcp_tool_calls: z.array(McpToolCall).nullish(),
};

export const TextOutput = z.looseObject({
  type: z.literal("text"),
  content: z.string(),
  ...outputFields,
});
export type TextOutput = z.infer<typeof TextOutput>;

/** Older documentation shows `content` as JSON text; it is parsed here so that readers always see an object. */
const JsonContent = z.preprocess((content, context) => {
  if (typeof content !== "string") return content;
  try {
    return parseJson(content);
  } catch {
    context.addIssue({ code: "custom", message: "content is neither an object nor JSON text" });
    return z.NEVER;
  }
}, JsonObject);

export const JsonOutput = z.looseObject({
  type: z.literal("json"),
  content: JsonContent,
  ...outputFields,
  /** Set only when the task asked for `auto`. */
  output_schema: JsonObject.nullish(),
});
export type JsonOutput = z.infer<typeof JsonOutput>;

/** The output of a completed run. Branch on `type`, never on the requested schema. */
export const RunOutput = orElse(z.discriminatedUnion("type", [TextOutput, JsonOutput]), byContent);
export type RunOutput = z.infer<typeof RunOutput>;

/** An output of neither form, in the one that its content fits: an object as it is, all else as text. */
function byContent(value: unknown): JsonObject | undefined {
  if (value === null || value === undefined) return undefined;
  if (!isJsonObject(value)) return { type: "text", content: textOf(value) };
  const { type, content } = value;
  if (isJsonObject(content)) return { ...value, type: "json" };
  const hasContent = content !== null && content !== undefined;
  if (!hasContent && type !== "text" && type !== "json") return { type: "json", content: value };
  return { ...value, type: "text", content: hasContent ? textOf(content) : "" };
}

/** The body of `GET /v1/tasks/runs/{run_id}/result`. */
export const TaskRunResult = z.looseObject({ run: TaskRun, output: RunOutput });
export type TaskRunResult = z.infer<typeof TaskRunResult>;
