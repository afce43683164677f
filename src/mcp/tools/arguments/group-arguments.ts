import { z } from "zod";
import { findProcessor } from "../../../task-api/processors.ts";
import { type RunInput, UndisputedRunInput } from "../../../task-api/run-input.ts";
import { TaskGroupMetadata } from "../../../task-api/task-group.ts";
import { type JsonObject, type TaskSpec, isJsonObject } from "../../../task-api/task-spec.ts";
import { argumentProblems, type ArgumentProblem } from "../../arguments/argument-problems.ts";
import type { Backend } from "../../runs/backend.ts";
import { isTypoOf } from "../../arguments/looks-like.ts";
import { type OtherNames, readArguments, unknownText } from "../../arguments/read-arguments.ts";
import {
  CreateArguments,
  OutputFieldsArgument,
  OutputType,
  RUN_INPUT_NAMES,
  calledAtTheEnd,
  doubtsAbout,
  outputTypeProblem,
  specOf,
} from "./create-arguments.ts";
import { taskSpecOf } from "./output-fields.ts";
import { TaskSpecArgument } from "./task-spec-argument.ts";
import {
  IdempotencyKey,
  MaxCostUsd,
  RefuseDuplicate,
  RunId,
  TaskgroupId,
  WaitSeconds,
} from "./shared-arguments.ts";
import type { CallContext } from "../../runs/call-context.ts";

const { shape } = UndisputedRunInput;

/**
 * Fields of a run input that apply to every input without its own. Not in the tool's schema: the description of
 * `inputs` names them.
 */
const DEFAULTS = {
  source_policy: shape.source_policy.meta({ isShown: false }),
  mcp_servers: shape.mcp_servers.meta({ isShown: false }),
  enable_events: shape.enable_events.meta({ isShown: false }),
  webhook: shape.webhook.meta({ isShown: false }),
  advanced_settings: shape.advanced_settings.meta({ isShown: false }),
  previous_interaction_id: shape.previous_interaction_id.meta({ isShown: false }),
  memory_scope_key: shape.memory_scope_key.meta({ isShown: false }),
};

/** An input as a caller writes it: a question, an object of named inputs, or a whole run input. */
const GroupInput = z
  .union([z.string(), z.record(z.string(), z.unknown())], {
    error: "write each input as a text or an object",
  })
  .meta({ reads: "data" });
type GroupInput = z.infer<typeof GroupInput>;

/** The arguments of `create_task_group`. */
export const GroupArguments = z
  .object({
    inputs: z
      .array(GroupInput, "write a list of inputs")
      .describe(
        "Any number. Each a question or, as JSON text, a row of named values or a run input {input, processor, ...}. source_policy, webhook, mcp_servers, advanced_settings and enable_events beside inputs hold for all, as in create_task_run.",
      )
      .optional(),
    taskgroup_id: TaskgroupId.describe("Add to this group instead of a new one.").optional(),
    retry_failed: z
      .boolean("write true or false")
      .describe("Run all its failed runs again.")
      .optional(),
    retry_run_ids: z.array(RunId, "write a list of run ids").describe("Or only these.").optional(),
    processor: shape.processor.describe("For inputs without one; see create_task_run.").optional(),
    output_fields: OutputFieldsArgument.describe(
      "For inputs without a task_spec, as in create_task_run.",
    ).optional(),
    default_task_spec: TaskSpecArgument.describe(
      "The same in full, as task_spec in create_task_run.",
    ).optional(),
    output_type: OutputType.optional(),
    ...DEFAULTS,
    metadata: TaskGroupMetadata.describe("Labels of a new group.").optional(),
    idempotency_key: IdempotencyKey.describe(
      "The same list with the same key starts nothing twice.",
    ).optional(),
    refuse_duplicate: RefuseDuplicate.meta({ isShown: false }).optional(),
    max_cost_usd: MaxCostUsd.meta({
      description: "For all runs together.",
      otherWords: { embedded: null },
    }).optional(),
    dry_run: z.boolean("write true or false").describe("As in create_task_run.").optional(),
    wait_seconds: WaitSeconds.describe("Also wait for all this long; default 0.").optional(),
  })
  .superRefine((args, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const isRetry = args.retry_run_ids !== undefined || args.retry_failed === true;
    if (args.inputs === undefined && !isRetry) {
      problem("inputs", "required: a list of at least one input");
    }
    if (args.inputs?.length === 0) problem("inputs", "write at least one input");
    if (isRetry && args.taskgroup_id === undefined) {
      problem("taskgroup_id", "required for a retry: the group of the runs that failed");
    }
    if (args.output_fields !== undefined && args.default_task_spec !== undefined) {
      problem("output_fields", "give output_fields or default_task_spec, not both");
    }
    const ofType = outputTypeProblem(
      args.output_type,
      args.output_fields === undefined ? args.default_task_spec : taskSpecOf(args.output_fields),
    );
    if (ofType !== null) problem("output_type", ofType);
  });
export type GroupArguments = z.infer<typeof GroupArguments>;

/** Other names of the fields that a group also has. */
export const GROUP_NAMES: OtherNames = {
  ...Object.fromEntries(
    Object.entries(RUN_INPUT_NAMES).map(([name, path]) => [inGroup(name), inGroup(path)]),
  ),
  task_spec: "default_task_spec",
  group_id: "taskgroup_id",
  task_group_id: "taskgroup_id",
  items: "inputs",
  queries: "inputs",
  questions: "inputs",
};

function inGroup(path: string): string {
  return path.replace(/^task_spec\./, "default_task_spec.");
}

/** The spec for inputs that have none. */
export function defaultSpecOf({
  output_fields,
  default_task_spec,
  output_type,
}: GroupArguments): TaskSpec | undefined {
  return specOf({ output_fields, task_spec: default_task_spec, output_type }).task_spec;
}

/** Each input as a run input of its own, checked by the API's contract; and what is wrong with any of them. */
export function toRunInputs(
  args: GroupArguments,
  {
    defaultProcessor,
    webhook: operatorsWebhook,
  }: Pick<CallContext, "defaultProcessor" | "webhook">,
): { inputs: RunInput[]; problems: ArgumentProblem[] } {
  const { processor = defaultProcessor, webhook = operatorsWebhook } = args;
  const defaults: JsonObject = {
    processor,
    ...(webhook && { webhook }),
    ...pickDefaults(args),
  };
  const inputs: RunInput[] = [];
  const problems: ArgumentProblem[] = [];
  const isBesideInputs = createIsBesideInputs();
  for (const [index, row] of (args.inputs ?? []).entries()) {
    const read = readRow(row, isBesideInputs);
    if (read.problems.length > 0) {
      problems.push(...read.problems.map((problem) => at(index, problem)));
      continue;
    }
    const parsed = RowInput.safeParse({ ...defaults, ...read.args });
    if (!parsed.success) {
      problems.push(...argumentProblems(parsed.error).map((problem) => at(index, problem)));
      continue;
    }
    const input = parsed.data;
    inputs.push(input.webhook ? { ...input, webhook: calledAtTheEnd(input.webhook) } : input);
  }
  return { inputs, problems };
}

/** A list of hundreds of rows mostly has the same thing wrong in each. */
const DOUBTS_TOLD = 20;

/** The parts of the inputs that a backend may reject. They are sent anyway. */
export function doubtsAboutAll(
  inputs: readonly RunInput[],
  defaultSpec: TaskSpec | undefined,
  backend: Pick<Backend, "kind">,
): string[] {
  const doubts = defaultSpec
    ? doubtsAbout({ input: "?", processor: "", task_spec: defaultSpec }, backend)
        .filter((doubt) => doubt.startsWith("task_spec"))
        .map((doubt) => `default_${doubt}`)
    : [];
  for (const [index, input] of inputs.entries()) {
    if (doubts.length >= DOUBTS_TOLD) break;
    doubts.push(...doubtsAbout(input, backend).map((doubt) => `inputs.${index}.${doubt}`));
  }
  return doubts;
}

function pickDefaults(args: GroupArguments): JsonObject {
  const { source_policy, mcp_servers, enable_events, advanced_settings } = args;
  const { previous_interaction_id, memory_scope_key } = args;
  const set = {
    source_policy,
    mcp_servers,
    enable_events,
    advanced_settings,
    previous_interaction_id,
    memory_scope_key,
  };
  return Object.fromEntries(
    Object.entries(set).filter(([, value]) => value !== undefined && value !== null),
  );
}

function at(index: number, { argument, fix }: ArgumentProblem): ArgumentProblem {
  return { argument: argument === "" ? `inputs.${index}` : `inputs.${index}.${argument}`, fix };
}

/** A run input in a row, with its parts as they are read for one run. */
const RowInput = UndisputedRunInput.extend({
  input: CreateArguments.shape.input,
  task_spec: TaskSpecArgument.nullish(),
});

/** A row's own other names of fields; `output` alone is as likely a column. */
const ROW_NAMES: OtherNames = {
  output_schema: "task_spec.output_schema",
  input_schema: "task_spec.input_schema",
  "task_spec.output": "task_spec.output_schema",
  "task_spec.input": "task_spec.input_schema",
  json_schema: "task_spec.output_schema",
  response_format: "task_spec.output_schema",
  webhook_url: "webhook.url",
};
/** The others, which are meant only where the value is no cell of a table. */
function rowNames(row: JsonObject): OtherNames {
  const meant = Object.entries(RUN_INPUT_NAMES).filter(
    ([name]) => name in ROW_NAMES || (typeof row[name] === "object" && row[name] !== null),
  );
  return { ...ROW_NAMES, ...Object.fromEntries(meant) };
}
const FIELDS: ReadonlySet<string> = new Set([...Object.keys(shape), ...Object.keys(ROW_NAMES)]);
/** Arguments that stand beside `inputs`; in a row they would be lost. */
const BESIDE_INPUTS: readonly string[] = [
  ...Object.keys(CreateArguments.shape),
  ...Object.keys(GroupArguments.shape),
].filter((name) => !FIELDS.has(name));
/** Fields of a run input that are also plain words, and so may be columns of a table. */
const WORDS: ReadonlySet<string> = new Set(["input", "processor", "metadata", "webhook"]);
const AS_DATA = 'a row of data with such a column is written {"input": {...the row...}}';

/**
 * Reads a row: a question, a run input, or a row of data that becomes the input. A row with both kinds of names could
 * be either, and a wrong guess would cost money, so it is rejected.
 */
function readRow(
  row: GroupInput,
  isBesideInputs: (name: string) => boolean,
): { args: JsonObject; problems: ArgumentProblem[] } {
  if (!isJsonObject(row)) return { args: { input: row }, problems: [] };
  const names = Object.keys(row).filter((name) => row[name] !== null);
  const misplaced = names
    .filter((name) => !FIELDS.has(name) && isBesideInputs(name))
    .map((name) => ({ argument: name, fix: `it stands beside inputs, not in a row; ${AS_DATA}` }));
  if (misplaced.length > 0) return { args: {}, problems: misplaced };
  const fields = names.filter((name) => FIELDS.has(name));
  if (!names.includes("input")) {
    const own = fields.find((name) => !WORDS.has(name) || isProcessor(name, row[name]));
    if (own === undefined) return { args: { input: row }, problems: [] };
    const fix = `required beside ${own}: the question, or an object of named inputs; ${AS_DATA}`;
    return { args: {}, problems: [{ argument: "input", fix }] };
  }
  const { args, unknown, problems } = readArguments(row, RowInput, {
    otherNames: rowNames(row),
    onlyTypos: true,
  });
  const isMixed = fields.length > 1 || unknown.some(({ meant }) => meant !== null);
  if (unknown.length > 0 && !isMixed) return { args: { input: row }, problems: [] };
  return {
    args,
    problems: [
      ...problems,
      ...unknown.map(({ name, meant }) => ({
        argument: name,
        fix: `${unknownText(meant)}; ${AS_DATA}`,
      })),
    ],
  };
}

/** Remembers its answers: the rows of a table have the same columns. */
function createIsBesideInputs(): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const isBeside = known.get(name) ?? BESIDE_INPUTS.some((one) => isTypoOf(name, one));
    known.set(name, isBeside);
    return isBeside;
  };
}

function isProcessor(name: string, value: unknown): boolean {
  return name === "processor" && typeof value === "string" && findProcessor(value) !== undefined;
}
