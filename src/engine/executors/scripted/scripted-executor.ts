import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { z } from "zod";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import {
  ActionRequired,
  type Attempt,
  defineExecutor,
  ExecutionFailed,
  type ExecutionResult,
  type Executor,
} from "../executor.ts";
import { createRuleChooser, inputText } from "./choose-rule.ts";
import { createDraw, type Draw } from "./draw.ts";
import { createFillTemplate, type FillTemplate } from "./fill-template.ts";
import type { Outcome } from "./outcome.ts";
import { readScript } from "./read-script.ts";
import type { Behaviour, Script } from "./script.ts";
import { type TimedEvent, timelineSeconds, toTimedEvents } from "./timeline.ts";
import { writeOutput } from "./write-output.ts";

export interface ScriptedExecutorOptions {
  script: Script;
  /** In place of the script's own. */
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
/** An hour: whoever tests the answer has given it by then. */
const DEADLINE_SECONDS = 3_600;

/** What one execution does, with everything drawn. */
interface Plan {
  takesSeconds: number;
  events: readonly TimedEvent[];
  outcome: Outcome;
  ignoresCancel: boolean;
}

/**
 * An executor whose runs do what a script says, for whoever tests agents. The same script, seed and order of executions
 * give the same outcomes, durations and texts. Documented in docs/scripted-runs.md.
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
    const draw = createDraw(seed, executions);
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

function planExecution(behaviour: Behaviour, draw: Draw, fill: FillTemplate): Plan {
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
    // A run that was told to stop has nobody to report to any more.
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
      return untilAborted(signal);
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
