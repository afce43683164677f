import { z } from "zod";
import { type SchemaProblem, checkTaskSpec } from "../../task-api/output-schema-rules.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import { RunInput } from "../../task-api/run-input.ts";
import { JsonObject, TaskSpec } from "../../task-api/task-spec.ts";
import { tryParseJson } from "../../text/json.ts";
import { durationText } from "../phrases.ts";
import { OutputFields, taskSpecOf } from "./output-fields.ts";
import { IdempotencyKey, MaxCostUsd, WaitSeconds } from "./shared-arguments.ts";
import type { ToolContext } from "../tool.ts";

/** A fast variant has the price of its tier, so one line serves both. */
const TIERS = PROCESSORS.filter(({ name }) => !name.endsWith("-fast"));

const PRICE_TABLE = TIERS.map(
  ({ name, priceUsd, latencySeconds: { from, to } }) =>
    `${name} $${priceUsd} ${durationText(from)}-${durationText(to)}`,
).join("; ");

/** Local rules, told with the path they belong to. Anything that only makes the answer worse is left to `dry_run`. */
function addProblems(problems: readonly SchemaProblem[], context: z.RefinementCtx): void {
  for (const { pointer, message } of problems) {
    // The pointer starts at the request; the first name is the argument zod is looking at.
    const path = pointer.split("/").slice(2);
    context.addIssue({
      code: "custom",
      path: path.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")),
      message,
    });
  }
}

/**
 * Two ways of writing an output schema that cannot be meant literally are read as what they mean: JSON text (a
 * description never is), and a bare JSON Schema without its `{"type":"json"}` wrapper.
 */
function readOutputSchema(value: unknown): unknown {
  const schema = typeof value === "string" ? (jsonObject(value) ?? value) : value;
  const object = JsonObject.safeParse(schema);
  const isBare = object.success && object.data["type"] === "object";
  return isBare ? { type: "json", json_schema: schema } : schema;
}

function jsonObject(text: string): JsonObject | undefined {
  return JsonObject.safeParse(tryParseJson(text)).data;
}

const { shape } = RunInput;

/** `output_fields`, held against the limits of the schema it becomes. */
export const OutputFieldsArgument = OutputFields.superRefine((fields, context) => {
  const { errors } = checkTaskSpec(requestWith(taskSpecOf(fields)));
  for (const { message } of errors) context.addIssue({ code: "custom", message });
});

/** `task_spec`, read generously and checked by every rule the API has for it. */
export const TaskSpecArgument = TaskSpec.extend({
  output_schema: z.preprocess(readOutputSchema, TaskSpec.shape.output_schema),
}).superRefine((spec, context) => addProblems(checkTaskSpec(requestWith(spec)).errors, context));

/** The API's own arguments, checked by the API's own contract, and a few of ours. */
export const CreateArguments = z
  .object({
    input: shape.input.describe(
      "The question, as precise as you can make it, or an object of named inputs.",
    ),
    processor: shape.processor
      .describe(
        `Tier: take the cheapest that fits. Default base. Price per completed run and usual time: ${PRICE_TABLE}. Facts: lite to core; reports: pro and up. Add -fast for less waiting at the same price.`,
      )
      .optional(),
    output_fields: OutputFieldsArgument.describe(
      "The easy way to structured output: each field becomes a string or null. Otherwise use task_spec.",
    ).optional(),
    task_spec: TaskSpecArgument.describe(
      'What the output must be: output_schema is {"type":"text","description":"..."} for a report, or {"type":"json","json_schema":{...}} (root object, all properties required, no format or length keywords). Default auto.',
    ).optional(),
    source_policy: shape.source_policy.describe("Limit the sources; domains without scheme."),
    metadata: shape.metadata.describe("Your labels: keys up to 16, values up to 512 characters."),
    mcp_servers: shape.mcp_servers.describe("MCP servers (Streamable HTTP) the run may use."),
    enable_events: shape.enable_events.describe("Record progress; default true."),
    webhook: shape.webhook.describe("Is called when the run ends."),
    advanced_settings: shape.advanced_settings.describe("location: country code such as us."),
    previous_interaction_id: shape.previous_interaction_id.describe(
      "Ask a follow-up: the interaction_id of an earlier run.",
    ),
    memory_scope_key: shape.memory_scope_key,
    idempotency_key: IdempotencyKey.describe(
      "Reuse it when you retry the same question: the same key returns the same run.",
    ).optional(),
    max_cost_usd: MaxCostUsd.describe("Refuse to start if it would cost more.").optional(),
    dry_run: z
      .boolean("write true or false")
      .describe("Check the arguments and show the price; start nothing.")
      .optional(),
    wait_seconds: WaitSeconds.describe("Also wait for the result this long; default 0.").optional(),
  })
  .refine((args) => args.task_spec === undefined || args.output_fields === undefined, {
    error: "give output_fields or task_spec, not both; output_fields is the short form of it",
    path: ["output_fields"],
    // Told together with every other problem, not only once those are solved.
    when: () => true,
  });
export type CreateArguments = z.infer<typeof CreateArguments>;

/** A request of which only the task spec matters. */
function requestWith(taskSpec: TaskSpec): RunInput {
  return { input: "", processor: "", task_spec: taskSpec };
}

/** The request to send: what the caller and the operator set, and nothing else, so that the API's own defaults hold. */
export function toRunInput(
  args: CreateArguments,
  { defaultProcessor, webhook }: Pick<ToolContext, "defaultProcessor" | "webhook">,
): RunInput {
  const {
    dry_run: _dryRun,
    wait_seconds: _waitSeconds,
    idempotency_key: _idempotencyKey,
    max_cost_usd: _maxCostUsd,
    output_fields,
    ...given
  } = args;
  return {
    // Events cannot be turned on later, and without them there is no progress to show.
    enable_events: true,
    ...(webhook !== undefined && { webhook }),
    ...given,
    processor: given.processor ?? defaultProcessor,
    ...(output_fields === undefined ? {} : { task_spec: taskSpecOf(output_fields) }),
  };
}
