import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { checkInputPattern } from "./input-pattern.ts";

/** A day. Timers of Node hold at most 24 of them. */
const MAX_SECONDS = 86_400;
const SECONDS_ERROR = `write seconds: a number from 0 to ${MAX_SECONDS}`;

const ScriptSeconds = z.number(SECONDS_ERROR).min(0, SECONDS_ERROR).max(MAX_SECONDS, SECONDS_ERROR);

const Text = z.string("write a text; one that looks like something else goes in quotes");

const Flag = z.boolean("write true or false");

/** A whole number within bounds that the error names. */
function count(least: number, most: number) {
  const error = `write a whole number from ${least} to ${most}`;
  return z.int(error).min(least, error).max(most, error);
}

/** A strict object whose error for an unknown key lists the known ones. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys"
        ? `unknown key; the keys here are ${keys}`
        : `write an object with keys of ${keys}`,
  });
}

/** The progress messages that the API documents, in the words of its event types. */
export const MESSAGE_KINDS = ["plan", "search", "result", "tool_call", "exec_status"] as const;
const STEP_KINDS = [...MESSAGE_KINDS, "stats"] as const;

const PERCENT_ERROR = "write percent: a number from 0 to 100";
/** More sources than any real run reports. */
const MAX_SOURCES = 1_000_000;

const Stats = object({
  progress: z
    .number(PERCENT_ERROR)
    .min(0, PERCENT_ERROR)
    .max(100, PERCENT_ERROR)
    .optional()
    .describe(
      "Percent done (`progress_meter`). Left out: the share of `takes` that has passed, at most 99.",
    ),
  considered: count(0, MAX_SOURCES)
    .optional()
    .describe("`num_sources_considered`. Left out: as in the `stats` before."),
  read: count(0, MAX_SOURCES)
    .optional()
    .describe("`num_sources_read`. Left out: as in the `stats` before."),
  sample: z
    .array(Text, "write a list of addresses")
    .optional()
    .describe("`sources_read_sample`: a list of addresses. Left out: as in the `stats` before."),
}).meta({ id: "ScriptStats" });

const Step = object({
  at: ScriptSeconds.optional().describe("Seconds since the start of the run."),
  after: ScriptSeconds.optional().describe(
    "Seconds since the step before. With neither `at` nor `after`, a step follows at once.",
  ),
  plan: Text.optional().describe("Message of an event `task_run.progress_msg.plan`."),
  search: Text.optional().describe("Message of an event `task_run.progress_msg.search`."),
  result: Text.optional().describe("Message of an event `task_run.progress_msg.result`."),
  tool_call: Text.optional().describe("Message of an event `task_run.progress_msg.tool_call`."),
  exec_status: Text.optional().describe("Message of an event `task_run.progress_msg.exec_status`."),
  stats: Stats.optional().describe("Numbers of an event `task_run.progress_stats`."),
})
  .superRefine((step, context) => {
    if (STEP_KINDS.filter((kind) => step[kind] !== undefined).length !== 1) {
      context.addIssue(`a step says one thing: write one of ${STEP_KINDS.join(", ")}`);
    }
    if (step.at !== undefined && step.after !== undefined) {
      context.addIssue("write at or after, not both");
    }
  })
  .meta({
    id: "ScriptStep",
    oneOf: STEP_KINDS.map((kind) => ({ required: [kind] })),
    not: { required: ["at", "after"] },
  });
export type Step = z.infer<typeof Step>;

/** The steps of a run, in the order of their times. */
const Timeline = z.array(Step, "write a list of steps").superRefine((steps, context) => {
  let previous = 0;
  for (const [index, { step, atSeconds }] of scheduleSteps(steps).entries()) {
    if (atSeconds < previous) {
      context.addIssue({
        code: "custom",
        path: [index, "at"],
        message: `the step before is at ${previous} s: put the steps in the order of their times`,
        input: step,
      });
    }
    previous = atSeconds;
  }
});

/** The steps, each with its time since the start of the run. */
export function scheduleSteps(steps: readonly Step[]): { step: Step; atSeconds: number }[] {
  let atSeconds = 0;
  return steps.map((step) => {
    atSeconds = step.at ?? atSeconds + (step.after ?? 0);
    return { step, atSeconds };
  });
}

/** The least characters of a section, for its heading and a sentence. */
const MIN_SECTION_CHARS = 100;
/** Ten times the largest report seen; the engine holds an output in memory several times over. */
const MAX_CHARACTERS = 20_000_000;

const Citation = object({
  url: Text.describe("Address of the source."),
  title: Text.optional().describe("Its title."),
  excerpts: z
    .array(Text, "write a list of texts")
    .optional()
    .describe("List of quotes from the source."),
  published: z.iso
    .date("write a date as YYYY-MM-DD")
    .optional()
    .describe(
      "Date of the source, `YYYY-MM-DD`. Left out: a run with `after_date` does not cite it.",
    ),
}).meta({ id: "ScriptCitation" });

const Basis = object({
  field: Text.optional().describe("The output field this is about. Left out: `output`."),
  reasoning: Text.optional().describe("Why the field has its value. Left out: empty."),
  confidence: Text.optional().describe("`low`, `medium`, `high`, or any other text."),
  citations: z
    .array(Citation, "write a list of citations")
    .optional()
    .describe("List of citations."),
}).meta({ id: "ScriptBasis" });

const Completed = object({
  status: z.literal("completed").describe("The run completes with an output."),
  text: Text.optional().describe("Markdown answer."),
  json: z
    .union([z.literal("auto"), JsonObject], "write an object with the output fields, or auto")
    .optional()
    .describe(
      "The output for a task with a JSON schema: an object, or `auto`, a small value made from that schema. Left out: `auto`.",
    ),
  basis: z
    .array(Basis, "write a list of basis entries")
    .optional()
    .describe("Evidence per output field."),
  sections: count(1, 1_000)
    .optional()
    .describe("In place of `text`: so many sections of made-up text. Left out: 1."),
  characters: count(MIN_SECTION_CHARS, MAX_CHARACTERS)
    .optional()
    .describe("In place of `text`: so many UTF-16 units in all. Left out: 1,000 per section."),
  citations: count(1, 10_000)
    .optional()
    .describe(
      "In place of `basis`: so many made-up citations, spread over the fields of a JSON output.",
    ),
})
  .superRefine(({ text, sections, characters, basis, citations }, context) => {
    const report = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message, input: key });
    if (text !== undefined && sections !== undefined) report("sections", "remove it, or text");
    if (text !== undefined && characters !== undefined) report("characters", "remove it, or text");
    if (basis !== undefined && citations !== undefined) report("citations", "remove it, or basis");
    const least = (sections ?? 1) * MIN_SECTION_CHARS;
    if (characters !== undefined && characters < least) {
      report("characters", `${sections} sections need at least ${least} characters`);
    }
  })
  .meta({ id: "ScriptCompleted" });
/** A run that completes, and with what. */
export type Completed = z.infer<typeof Completed>;

const Failed = object({
  status: z.literal("failed").describe("The run fails."),
  message: Text.describe("Message of the run's `error`."),
}).meta({ id: "ScriptFailed" });

const ActionNeeded = object({
  status: z.literal("action_required").describe("The run waits for an answer from outside."),
  message: Text.describe("What it waits for."),
  deadline: ScriptSeconds.optional().describe(
    "Seconds until it fails without one. Left out: 3600.",
  ),
}).meta({ id: "ScriptActionRequired" });

const Stuck = object({
  status: z.literal("stuck").describe("The run stays `running` until it is cancelled."),
}).meta({ id: "ScriptStuck" });

/** How a run ends. */
const Outcome = z
  .discriminatedUnion("status", [Completed, Failed, ActionNeeded, Stuck], {
    error: "write an object with a status: completed, failed, action_required or stuck",
  })
  .meta({ id: "ScriptOutcome" });
export type Outcome = z.infer<typeof Outcome>;

const SHARE_ERROR = "write a share: a number from 0 to 1";

const Match = object({
  input: Text.superRefine((pattern, context) => {
    const problem = checkInputPattern(pattern);
    if (problem !== null) context.addIssue(problem);
  })
    .optional()
    .describe(
      "Text that occurs in the input, in the same case; or a regular expression written `/…/`, with flags `/…/i`. An input object is searched as compact JSON.",
    ),
  processor: Text.optional().describe("Name of the processor."),
  metadata: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], "write a text, a number, true or false"),
      "write an object with metadata keys and their values",
    )
    .optional()
    .describe("Metadata that the run has, compared as text; it may have more."),
  nth: count(1, 1_000_000)
    .optional()
    .describe(
      "Only the n-th execution that meets the other conditions, from 1; those that an earlier rule takes count too.",
    ),
}).meta({ id: "ScriptMatch" });
export type Match = z.infer<typeof Match>;

const Takes = z
  .union(
    [ScriptSeconds, z.tuple([ScriptSeconds, ScriptSeconds])],
    "write seconds from 0 to 86400, or a range [least, most]",
  )
  .refine(
    (takes) => typeof takes === "number" || takes[0] <= takes[1],
    "write the smaller number of the range first",
  );

/** The behaviour of a run; parts that a rule leaves out come from the defaults. */
const behaviour = {
  takes: Takes.optional().describe(
    "Seconds until the run ends, or a range `[least, most]` to draw from. Left out: 0. It never ends before its last step.",
  ),
  timeline: Timeline.optional().describe("List of progress events."),
  outcome: Outcome.optional().describe(
    "How the run ends. Left out: completed, with a text that repeats the question.",
  ),
  fail_share: z
    .number(SHARE_ERROR)
    .min(0, SHARE_ERROR)
    .max(1, SHARE_ERROR)
    .optional()
    .describe("Share of runs, 0 to 1, that fail when they end, whatever the outcome says."),
  fail_message: Text.optional().describe("Message of those failures."),
  ignore_cancel: Flag.optional().describe(
    "`true`: a cancelled run works on until `takes` is over, and so does one whose process is stopped.",
  ),
};

const Defaults = object(behaviour).meta({ id: "ScriptDefaults" });
export type Behaviour = z.infer<typeof Defaults>;

const Rule = object({
  match: Match.optional().describe(
    "Which runs the rule is for; all conditions must hold. Left out: every run.",
  ),
  ...behaviour,
}).meta({ id: "ScriptRule" });
export type Rule = z.infer<typeof Rule>;

/** The script file, which decides what runs do. Documented in docs/scripted-runs.md. */
export const Script = object({
  $schema: Text.optional().describe("Address of the JSON schema, for editors."),
  seed: z
    .int("write a whole number")
    .optional()
    .describe("Whole number that every draw depends on. Left out: 0."),
  defaults: Defaults.optional().describe("What runs do where their rule does not say it."),
  runs: z
    .array(Rule, "write a list of rules")
    .optional()
    .describe("List of rules; the first that matches decides. Without a match, the defaults do."),
}).meta({ title: "A script of task runs" });
export type Script = z.infer<typeof Script>;
