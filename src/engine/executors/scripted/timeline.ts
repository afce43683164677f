import { z } from "zod";
import type { ProgressEvent, ProgressStatsEvent } from "../../../task-api/run-event.ts";
import type { FillTemplate } from "./fill-template.ts";
import { count, object, Seconds, Text } from "./script-values.ts";

/** The progress messages that the API documents, in the words of its event types. */
const MESSAGE_KINDS = ["plan", "search", "result", "tool_call", "exec_status"] as const;
const STEP_KINDS = [...MESSAGE_KINDS, "stats"] as const;

const PERCENT_ERROR = "write percent: a number from 0 to 100";
/** Any number of sources that a counter of a person's reading could show. */
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
  at: Seconds.optional().describe("Seconds since the start of the run."),
  after: Seconds.optional().describe(
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
type Step = z.infer<typeof Step>;

/** The steps of a run, in the order of their times. */
export const Timeline = z.array(Step, "write a list of steps").superRefine((steps, context) => {
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

export interface TimedEvent {
  /** Seconds since the start of the run. */
  atSeconds: number;
  event: ProgressEvent;
}

/** The percentage of a run that is not over. */
const ACTIVE_MAX_PERCENT = 99;

/** The time of the last step. */
export function timelineSeconds(steps: readonly Step[]): number {
  return scheduleSteps(steps).at(-1)?.atSeconds ?? 0;
}

/** The events of a run that takes `takesSeconds`, in the API's own types. */
export function toTimedEvents(
  steps: readonly Step[],
  takesSeconds: number,
  fill: FillTemplate,
): TimedEvent[] {
  let sources: ProgressStatsEvent["source_stats"] = {
    num_sources_considered: null,
    num_sources_read: null,
    sources_read_sample: null,
  };
  const events: TimedEvent[] = [];
  for (const { step, atSeconds } of scheduleSteps(steps)) {
    if (step.stats !== undefined) {
      const { progress, considered, read, sample } = step.stats;
      sources = {
        num_sources_considered: considered ?? sources.num_sources_considered,
        num_sources_read: read ?? sources.num_sources_read,
        sources_read_sample: sample?.map(fill) ?? sources.sources_read_sample,
      };
      const event: ProgressEvent = {
        type: "task_run.progress_stats",
        progress_meter: progress ?? percentAt(atSeconds, takesSeconds),
        source_stats: sources,
      };
      events.push({ atSeconds, event });
    }
    for (const kind of MESSAGE_KINDS) {
      const text = step[kind];
      if (text === undefined) continue;
      const event = { type: `task_run.progress_msg.${kind}` as const, message: fill(text) };
      events.push({ atSeconds, event });
    }
  }
  return events;
}

function scheduleSteps(steps: readonly Step[]): { step: Step; atSeconds: number }[] {
  let atSeconds = 0;
  return steps.map((step) => {
    atSeconds = step.at ?? atSeconds + (step.after ?? 0);
    return { step, atSeconds };
  });
}

function percentAt(atSeconds: number, takesSeconds: number): number {
  if (takesSeconds === 0) return ACTIVE_MAX_PERCENT;
  return Math.min(ACTIVE_MAX_PERCENT, Math.round((atSeconds / takesSeconds) * 100));
}
