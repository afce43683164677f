import { z } from "zod";
import { checkTaskSpec } from "../../task-api/output-schema-rules.ts";
import { RunInput } from "../../task-api/run-input.ts";
import { TaskGroupMetadata } from "../../task-api/task-group.ts";
import { type JsonObject, type TaskSpec, isJsonObject } from "../../task-api/task-spec.ts";
import { argumentProblems, type ArgumentProblem } from "../argument-problems.ts";
import { OutputFieldsArgument, TaskSpecArgument } from "./create-arguments.ts";
import { taskSpecOf } from "./output-fields.ts";
import { IdempotencyKey, MaxCostUsd, RunId, TaskgroupId, WaitSeconds } from "./shared-arguments.ts";
import type { ToolContext } from "../tool.ts";

const { shape } = RunInput;

/** An input as a caller writes it: a question, an object of named inputs, or a whole run input. */
const GroupInput = z.union([z.string(), z.record(z.string(), z.unknown())], {
  error: "write each input as a text or an object",
});
type GroupInput = z.infer<typeof GroupInput>;

/** The arguments of `create_task_group`. */
export const GroupArguments = z
  .object({
    inputs: z
      .array(GroupInput, "write a list of inputs")
      .describe(
        "Any number. Each a question, an object of named inputs, or a run input {input, processor, ...} of its own.",
      )
      .optional(),
    taskgroup_id: TaskgroupId.describe("Add to this group instead of a new one.").optional(),
    retry_run_ids: z
      .array(RunId, "write a list of run ids")
      .describe("Failed runs of that group to run again.")
      .optional(),
    processor: shape.processor.describe("For inputs without one; see create_task_run.").optional(),
    output_fields: OutputFieldsArgument.describe(
      "For inputs without a task_spec, as in create_task_run.",
    ).optional(),
    default_task_spec: TaskSpecArgument.describe(
      "The same in full, as task_spec in create_task_run.",
    ).optional(),
    source_policy: shape.source_policy.describe("For inputs without one."),
    metadata: TaskGroupMetadata.describe("Labels of a new group.").optional(),
    idempotency_key: IdempotencyKey.describe(
      "Reuse it to send the same list again: nothing is started twice.",
    ).optional(),
    max_cost_usd: MaxCostUsd.describe("For all runs together.").optional(),
    dry_run: z.boolean("write true or false").describe("As in create_task_run.").optional(),
    wait_seconds: WaitSeconds.describe(
      "Also wait for all of them this long; default 0.",
    ).optional(),
  })
  .superRefine((args, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (args.inputs === undefined && args.retry_run_ids === undefined) {
      problem("inputs", "required: a list of at least one input");
    }
    if (args.inputs?.length === 0) problem("inputs", "write at least one input");
    if (args.retry_run_ids !== undefined && args.taskgroup_id === undefined) {
      problem("taskgroup_id", "required with retry_run_ids: the group of those runs");
    }
    if (args.output_fields !== undefined && args.default_task_spec !== undefined) {
      problem("output_fields", "give output_fields or default_task_spec, not both");
    }
  });
export type GroupArguments = z.infer<typeof GroupArguments>;

/** The spec for inputs that have none. */
export function defaultSpecOf({
  output_fields,
  default_task_spec,
}: GroupArguments): TaskSpec | undefined {
  return output_fields === undefined ? (default_task_spec ?? undefined) : taskSpecOf(output_fields);
}

/** Each input as a run input of its own, checked by the API's contract; and what is wrong with any of them. */
export function toRunInputs(
  args: GroupArguments,
  { defaultProcessor, webhook }: Pick<ToolContext, "defaultProcessor" | "webhook">,
): { inputs: RunInput[]; problems: ArgumentProblem[] } {
  const { processor = defaultProcessor, source_policy } = args;
  const defaults: JsonObject = {
    processor,
    ...(webhook !== undefined && { webhook }),
    ...(source_policy === undefined || source_policy === null ? {} : { source_policy }),
  };
  const inputs: RunInput[] = [];
  const problems: ArgumentProblem[] = [];
  for (const [index, given] of (args.inputs ?? []).entries()) {
    const parsed = RunInput.safeParse({ ...defaults, ...asRunInput(given) });
    if (!parsed.success) {
      problems.push(...argumentProblems(parsed.error).map((problem) => at(index, problem)));
      continue;
    }
    inputs.push(parsed.data);
    for (const { pointer, message } of checkTaskSpec(parsed.data).errors) {
      problems.push(at(index, { argument: pointer.slice(1).replaceAll("/", "."), fix: message }));
    }
  }
  return { inputs, problems };
}

function at(index: number, { argument, fix }: ArgumentProblem): ArgumentProblem {
  return { argument: argument === "" ? `inputs.${index}` : `inputs.${index}.${argument}`, fix };
}

/** An object with `input` in it is a run input; any other names the inputs of one. */
function asRunInput(given: GroupInput): JsonObject {
  return isJsonObject(given) && Object.hasOwn(given, "input") ? given : { input: given };
}
