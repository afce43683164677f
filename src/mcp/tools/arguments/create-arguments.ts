import { z } from "zod";
import { checkTaskSpec } from "../../../task-api/schema/output-schema-rules.ts";
import { PROCESSORS } from "../../../task-api/processors.ts";
import {
  ExtendedRunInput,
  RunInput,
  UndisputedRunInput,
  type Webhook,
} from "../../../task-api/run-input.ts";
import { type TaskSpec, requestedOutput } from "../../../task-api/task-spec.ts";
import { argumentProblems } from "../../arguments/argument-problems.ts";
import type { Backend } from "../../runs/backend.ts";
import { meantProcessor } from "../../runs/meant-processor.ts";
import { durationText } from "../../report/text.ts";
import type { OtherNames } from "../../arguments/read-arguments.ts";
import { OutputFields, taskSpecOf } from "./output-fields.ts";
import { TaskSpecArgument, requestWith } from "./task-spec-argument.ts";
import { IdempotencyKey, MaxCostUsd, RefuseDuplicate, WaitSeconds } from "./shared-arguments.ts";
import type { CallContext } from "../../runs/call-context.ts";
import type { ArgumentTexts } from "../../tool.ts";

/** A fast variant has the price of its tier, so one line serves both. */
const TIERS = PROCESSORS.filter(({ name }) => !name.endsWith("-fast"));

const BEST_FOR =
  "Facts: lite to core; reports: pro and up. Add -fast for less waiting at the same price.";

const PRICE_TABLE = TIERS.map(
  ({ name, priceUsd, latencySeconds: { from, to } }) =>
    `${name} $${priceUsd} ${durationText(from)}-${durationText(to)}`,
).join("; ");

const { shape } = UndisputedRunInput;

/** `output_fields`, held against the limits of the schema it becomes. */
export const OutputFieldsArgument = OutputFields.superRefine((fields, context) => {
  const { errors } = checkTaskSpec(requestWith(taskSpecOf(fields)));
  for (const { message, isDisputed } of errors) {
    if (!isDisputed) context.addIssue({ code: "custom", message });
  }
});

/** Not in the tool's schema: some agents give the type of an output in an argument of its own. */
export const OutputType = z
  .enum(["text", "json", "auto"], "write text, json or auto")
  .meta({ isShown: false });

/** The problem of an `output_type` beside a task spec; null if there is none. */
export function outputTypeProblem(
  outputType: z.infer<typeof OutputType> | undefined,
  spec: TaskSpec | null | undefined,
): string | null {
  if (outputType === undefined) return null;
  if (spec === null || spec === undefined) {
    return outputType === "json"
      ? "json needs to know the fields: give output_fields, or a JSON Schema as task_spec.output_schema"
      : null;
  }
  const { type } = requestedOutput(spec);
  return type === outputType
    ? null
    : `it says ${outputType} and the schema asks for ${type}; leave output_type out`;
}

/** Names under which other pages, APIs and versions know what a run input has. */
export const RUN_INPUT_NAMES: OtherNames = {
  output_schema: "task_spec.output_schema",
  output: "task_spec.output_schema",
  json_schema: "task_spec.output_schema",
  response_format: "task_spec.output_schema",
  input_schema: "task_spec.input_schema",
  "task_spec.output": "task_spec.output_schema",
  "task_spec.input": "task_spec.input_schema",
  include_domains: "source_policy.include_domains",
  exclude_domains: "source_policy.exclude_domains",
  after_date: "source_policy.after_date",
  location: "advanced_settings.location",
  data_sources: "advanced_settings.data_sources",
  interaction_id: "previous_interaction_id",
  webhook_url: "webhook.url",
  domains: "source_policy.include_domains",
  folders: "source_policy.include_domains",
  tier: "processor",
  budget: "max_cost_usd",
  budget_usd: "max_cost_usd",
};

/** The API's own arguments, checked by the API's own contract, and a few of ours. */
export const CreateArguments = z
  .object({
    input: shape.input.meta({
      reads: "data",
      description:
        "The question, as precise as you can; or a JSON object of named inputs, as text.",
    }),
    processor: shape.processor
      .meta({
        description: `Tier: take the cheapest that fits. Default base. Price per completed run and usual time: ${PRICE_TABLE}. ${BEST_FOR}`,
        otherWords: {
          custom: `Tier: take the cheapest that fits. Default base. Price per completed run and usual time by Parallel's list, which this backend may not follow (dry_run tells its price): ${PRICE_TABLE}. ${BEST_FOR}`,
          embedded:
            "lite and base show up to 1,600 characters of the documents, core and above up to 3,200. Default base. Free, unless dry_run says otherwise.",
          scripted:
            "Tier, such as lite, base, core, pro or ultra. Default base. dry_run tells its price.",
        } satisfies ArgumentTexts,
      })
      .optional(),
    output_fields: OutputFieldsArgument.describe(
      "The easy way to structured output: names, or names with descriptions; each is a string or null. Else: task_spec.",
    ).optional(),
    task_spec: TaskSpecArgument.describe("What the output must be. Default auto.").optional(),
    output_type: OutputType.optional(),
    source_policy: shape.source_policy.meta({
      description: "Limit the sources; domains without scheme.",
      otherWords: {
        embedded:
          "Limit the documents: folders or paths (handbook/, handbook/leave.md), or domains of documents from the web.",
      } satisfies ArgumentTexts,
    }),
    metadata: shape.metadata.describe("Your labels: a JSON object as text."),
    mcp_servers: shape.mcp_servers.describe("MCP servers (Streamable HTTP) the run may use."),
    enable_events: shape.enable_events.describe("Record progress; default true."),
    webhook: shape.webhook.describe("Is called when the run ends."),
    advanced_settings: shape.advanced_settings.meta({
      description: "location: country code such as us.",
      otherWords: { embedded: null } satisfies ArgumentTexts<null>,
    }),
    previous_interaction_id: shape.previous_interaction_id.describe(
      "Ask a follow-up: the interaction_id of an earlier run (its run_id where none is shown).",
    ),
    memory_scope_key: shape.memory_scope_key.meta({
      description: "Runs with the same key share a memory.",
      otherWords: { embedded: null } satisfies ArgumentTexts<null>,
    }),
    idempotency_key: IdempotencyKey.describe(
      "Reuse it when you retry the same question: the same key returns the same run.",
    ).optional(),
    refuse_duplicate: RefuseDuplicate.describe(
      "Refuse if the same was asked within a day.",
    ).optional(),
    max_cost_usd: MaxCostUsd.meta({
      description: "Refuse to start if it would cost more.",
      otherWords: { embedded: null } satisfies ArgumentTexts<null>,
    }).optional(),
    dry_run: z
      .boolean("write true or false")
      .describe("Check the arguments and show the price; start nothing.")
      .optional(),
    wait_seconds: WaitSeconds.describe("Also wait for the result this long; default 0.").optional(),
  })
  .refine((args) => args.task_spec === undefined || args.output_fields === undefined, {
    error: "give output_fields or task_spec, not both; output_fields is the short form of it",
    path: ["output_fields"],
    // Reported together with all other problems, not only after those are fixed.
    when: () => true,
  })
  .superRefine(({ task_spec, output_fields, output_type }, context) => {
    const ofType = outputTypeProblem(
      output_type,
      output_fields === undefined ? task_spec : taskSpecOf(output_fields),
    );
    if (ofType === null) return;
    context.addIssue({ code: "custom", path: ["output_type"], message: ofType });
  });
export type CreateArguments = z.infer<typeof CreateArguments>;

/** The request to send: what the caller and the operator set, and nothing else, so that the API's own defaults hold. */
export function toRunInput(
  args: CreateArguments,
  {
    defaultProcessor,
    webhook: operatorsWebhook,
  }: Pick<CallContext, "defaultProcessor" | "webhook">,
): RunInput {
  const {
    dry_run: _dryRun,
    wait_seconds: _waitSeconds,
    idempotency_key: _idempotencyKey,
    max_cost_usd: _maxCostUsd,
    refuse_duplicate: _refuseDuplicate,
    output_fields,
    output_type,
    webhook = operatorsWebhook,
    ...given
  } = args;
  return {
    // Events cannot be turned on later, and without them there is no progress to show.
    enable_events: true,
    ...given,
    ...(webhook && { webhook: calledAtTheEnd(webhook) }),
    processor: given.processor ?? defaultProcessor,
    ...specOf({ output_fields, task_spec: given.task_spec, output_type }),
  };
}

/** The task spec of the three ways to ask for an output, if any was taken. */
export function specOf({
  output_fields,
  task_spec,
  output_type,
}: Pick<CreateArguments, "output_fields" | "task_spec" | "output_type">): { task_spec?: TaskSpec } {
  if (output_fields !== undefined) return { task_spec: taskSpecOf(output_fields) };
  if (task_spec !== undefined) return { task_spec };
  // Without fields only text and auto pass the check.
  if (output_type === undefined || output_type === "json") return {};
  return { task_spec: { output_schema: { type: output_type } } };
}

/** A webhook without events is never called, and there is only one kind of event. Source: Task API, "Webhooks". */
export function calledAtTheEnd({ url, event_types }: Webhook): Webhook {
  return { url, event_types: event_types.length > 0 ? event_types : ["task_run.status"] };
}

/** The parts of a request that a backend may reject, each with its path. The request is sent anyway. */
export function doubtsAbout(input: RunInput, { kind }: Pick<Backend, "kind">): string[] {
  const parsed = (kind === "embedded" ? ExtendedRunInput : RunInput).safeParse(input);
  const { processor } = input;
  const meant = meantProcessor(processor);
  return [
    ...(meant === undefined
      ? []
      : [`processor: no documented one has this name; did you mean ${meant}?`]),
    ...(parsed.success
      ? []
      : argumentProblems(parsed.error).map(({ argument, fix }) => `${argument}: ${fix}`)),
    ...checkTaskSpec(input).errors.map(
      ({ pointer, message }) => `${pointer.slice(1).replaceAll("/", ".")}: ${message}`,
    ),
  ];
}
