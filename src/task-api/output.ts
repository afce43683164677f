import { z } from "zod";
import { TaskRun } from "./run.ts";
import { JsonObject } from "./task-spec.ts";

/** Where a statement comes from. Source: Task API, `Citation`. */
export const Citation = z.looseObject({
  url: z.string(),
  title: z.string().nullish(),
  excerpts: z.array(z.string()).nullish(),
});
export type Citation = z.infer<typeof Citation>;

/** The evidence of one output field; `field` is `output` for text. Source: Task API, `FieldBasis`. */
export const FieldBasis = z.looseObject({
  field: z.string(),
  /** Processors below `core` may leave it out. */
  reasoning: z.string().default(""),
  citations: z.array(Citation).nullish(),
  /** `low`, `medium`, `high` by convention; an open string that may be empty. */
  confidence: z.string().nullish(),
});
export type FieldBasis = z.infer<typeof FieldBasis>;

/** One call of a tool on one of the run's MCP servers. `arguments` is JSON text. */
export const McpToolCall = z.looseObject({
  tool_call_id: z.string(),
  server_name: z.string(),
  tool_name: z.string(),
  arguments: z.string(),
  content: z.string().nullish(),
  error: z.string().nullish(),
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
    const parsed: unknown = JSON.parse(content);
    return parsed;
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

/** What a completed run produced. Branch on `type`, never on what was asked for. */
export const RunOutput = z.discriminatedUnion("type", [TextOutput, JsonOutput]);
export type RunOutput = z.infer<typeof RunOutput>;

/** The body of `GET /v1/tasks/runs/{run_id}/result`. */
export const TaskRunResult = z.looseObject({ run: TaskRun, output: RunOutput });
export type TaskRunResult = z.infer<typeof TaskRunResult>;
