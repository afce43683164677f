import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { z } from "zod";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { unlessAborted } from "../../../runtime/on-abort.ts";
import {
  ActionRequired,
  type Attempt,
  defineExecutor,
  ExecutionFailed,
  type ExecutionResult,
  type Executor,
} from "../executor.ts";
import { createFillTemplate, type FillTemplate } from "./fill-template.ts";
import { readScript } from "./read-script.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import type { ProgressEvent, ProgressStatsEvent } from "../../../task-api/run-event.ts";
import {
  type Behaviour,
  type Match,
  MESSAGE_KINDS,
  type Outcome,
  type Rule,
  scheduleSteps,
  type Script,
  type Step,
} from "./script.ts";
import { readInputPattern } from "./input-pattern.ts";
import { writeOutput } from "./write-output.ts";

export interface ScriptedExecutorOptions {
  script: Script;
  /** Overrides the script's seed. */
  seed?: number | undefined;
  clock: Clock;
  log: Logger;
}

/** The executor that the registry calls `scripted`. */
export const scripted = defineExecutor({
  settings: z.object({ file: z.string() }),
  create: async ({ log }, { file }) =>
    createScriptedExecutor({ script: await readScript(file), clock: systemClock, log }),
});

const ECHO: Outcome = { status: "completed" };
const FAIL_MESSAGE = "This run is one of the share that its script lets fail (fail_share).";
/** An hour: enough to answer by hand in a test. */
const DEADLINE_SECONDS = 3_600;

/** The plan of one execution, with all random choices made. */
interface Plan {
  takesSeconds: number;
  events: readonly TimedEvent[];
  outcome: Outcome;
  ignoresCancel: boolean;
}

/**
 * An executor whose runs do what a script says, for testing agents. The same script, seed and order of executions give
 * the same outcomes, durations and texts. Documented in docs/scripted-runs.md.
 */
export function createScriptedExecutor({
  script,
  seed = script.seed ?? 0,
  clock,
  log,
}: ScriptedExecutorOptions): Executor {
  const chooseRule = createRuleChooser(script.runs ?? []);
  let executions = 0;

  async function execute(attempt: Attempt): Promise<ExecutionResult> {
    executions += 1;
    const chosen = chooseRule(attempt.input);
    const fill = createFillTemplate(
      new Map([
        ["input", inputText(attempt.input)],
        ["processor", attempt.input.processor],
        ["run_id", attempt.runId],
      ]),
    );
    const draw = createSeededRandom(seed, executions);
    const plan = planExecution({ ...script.defaults, ...chosen?.rule }, draw, fill);
    log.debug(
      { run_id: attempt.runId, rule: chosen?.index ?? null, outcome: plan.outcome.status },
      "performing a scripted run",
    );
    await play(plan, attempt, clock);
    return end(plan.outcome, attempt, fill);
  }

  const hash = createHash("sha256")
    .update(JSON.stringify({ ...script, seed }))
    .digest("hex");
  return { key: `scripted:${hash.slice(0, 16)}`, execute };
}

function planExecution(behaviour: Behaviour, draw: SeededRandom, fill: FillTemplate): Plan {
  const { takes = 0, timeline = [], outcome = ECHO } = behaviour;
  const { fail_share: failShare = 0, fail_message: failMessage = FAIL_MESSAGE } = behaviour;
  const [least, most] = typeof takes === "number" ? [takes, takes] : takes;
  const drawnSeconds = least + (most - least) * draw("takes");
  const takesSeconds = Math.max(drawnSeconds, timelineSeconds(timeline));
  const fails = draw("fails") < failShare;
  return {
    takesSeconds,
    events: toTimedEvents(timeline, takesSeconds, fill),
    outcome: fails ? { status: "failed", message: failMessage } : outcome,
    ignoresCancel: behaviour.ignore_cancel ?? false,
  };
}

interface TimedEvent {
  /** Seconds since the start of the run. */
  atSeconds: number;
  event: ProgressEvent;
}

/** The percentage of a run that is not over. */
const ACTIVE_MAX_PERCENT = 99;

/** The time of the last step. */
function timelineSeconds(steps: readonly Step[]): number {
  return scheduleSteps(steps).at(-1)?.atSeconds ?? 0;
}

/** The events of a run that takes `takesSeconds`, in the API's own types. */
function toTimedEvents(
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

function percentAt(atSeconds: number, takesSeconds: number): number {
  if (takesSeconds === 0) return ACTIVE_MAX_PERCENT;
  return Math.min(ACTIVE_MAX_PERCENT, Math.round((atSeconds / takesSeconds) * 100));
}

async function play(
  { events, takesSeconds, ignoresCancel }: Plan,
  { signal, report }: Attempt,
  clock: Clock,
): Promise<void> {
  const startedAt = clock.now();

  async function waitUntil(seconds: number): Promise<void> {
    if (!ignoresCancel) signal.throwIfAborted();
    const ms = startedAt + seconds * 1_000 - clock.now();
    if (ms > 0) await clock.sleep(ms, ignoresCancel ? undefined : signal);
  }

  for (const { atSeconds, event } of events) {
    await waitUntil(atSeconds);
    // After an abort, the event log accepts no more events of the run.
    if (!signal.aborted) await report(event);
  }
  await waitUntil(takesSeconds);
}

async function end(
  outcome: Outcome,
  { input, signal }: Attempt,
  fill: FillTemplate,
): Promise<ExecutionResult> {
  switch (outcome.status) {
    case "completed":
      return writeOutput(outcome, input, fill);
    case "failed":
      throw new ExecutionFailed(fill(outcome.message));
    case "action_required":
      throw new ActionRequired(fill(outcome.message), {
        deadlineSeconds: outcome.deadline ?? DEADLINE_SECONDS,
      });
    case "stuck":
      return unlessAborted(new Promise<never>(() => undefined), signal);
  }
}

/** The first rule that matches a run, with its index in the script; undefined when none does. */
type ChooseRule = (input: RunInput) => { rule: Rule; index: number } | undefined;

/** Each call counts for `nth`; the counts live as long as the returned function. */
function createRuleChooser(rules: readonly Rule[]): ChooseRule {
  const candidates = rules.map((rule, index) => ({
    rule,
    index,
    matches: createMatcher(rule.match ?? {}),
  }));
  return (input) => {
    let chosen: { rule: Rule; index: number } | undefined;
    for (const { rule, index, matches } of candidates) {
      // A rule with `nth` also counts runs that an earlier rule matches.
      const mustTest = chosen === undefined || rule.match?.nth !== undefined;
      if (mustTest && matches(input)) chosen ??= { rule, index };
    }
    return chosen;
  };
}

function createMatcher({
  input: pattern,
  processor,
  metadata,
  nth,
}: Match): (run: RunInput) => boolean {
  const hasPattern = pattern === undefined ? () => true : readInputPattern(pattern);
  const labels = Object.entries(metadata ?? {});
  let seen = 0;
  return (run) => {
    if (processor !== undefined && run.processor !== processor) return false;
    if (labels.some(([key, value]) => String(run.metadata?.[key]) !== String(value))) return false;
    if (!hasPattern(inputText(run))) return false;
    seen += 1;
    return nth === undefined || seen === nth;
  };
}

/** A question as it is; an object as compact JSON. */
function inputText({ input }: RunInput): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

/** A number from 0 to below 1 for each purpose, always the same one. */
type SeededRandom = (purpose: string) => number;

/** The number of bytes of the digest that a number holds exactly. */
const DRAWN_BYTES = 6;

/** The random numbers of one execution. They do not depend on each other, so that a new purpose changes no other number. */
function createSeededRandom(seed: number, execution: number): SeededRandom {
  return (purpose) => {
    const digest = createHash("sha256").update(`${seed} ${execution} ${purpose}`).digest();
    return digest.readUIntBE(0, DRAWN_BYTES) / 2 ** (8 * DRAWN_BYTES);
  };
}
