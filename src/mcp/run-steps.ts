import { TaskApiError } from "../client/errors.ts";
import type { RunSnapshot } from "../client/snapshots.ts";
import { createRunMeter } from "../client/run-meter.ts";
import type { Backend } from "./backend.ts";
import { keptSteps } from "./kept-run.ts";
import type { ToolContext } from "./tool.ts";

/** The replay of what was recorded arrives within this time, or is not coming. */
const REPLAY_MS = 2_000;

/**
 * The snapshot with the steps of a run that has ended. Nobody follows such a run, so they are read from its stream, which
 * our engine replays; the hosted API's has only the state (Task API, 9.3), and then what was kept here must do.
 */
export async function withSteps(
  backend: Backend,
  seen: RunSnapshot,
  context: Pick<ToolContext, "clock" | "callerLeft">,
): Promise<RunSnapshot> {
  const { run } = seen;
  if (run.is_active || seen.messages.length > 0) return seen;
  const replayed = await readReplay(backend, run.run_id, context);
  const messages = replayed.length > 0 ? replayed : await keptSteps(backend, run.run_id);
  return { ...seen, messages };
}

async function readReplay(
  { client }: Backend,
  runId: string,
  { clock, callerLeft }: Pick<ToolContext, "clock" | "callerLeft">,
): Promise<RunSnapshot["messages"]> {
  const meter = createRunMeter();
  const timer = new AbortController();
  const timeUp = new AbortController();
  // The only rejection is the sleep that the end of the stream interrupts.
  clock.sleep(REPLAY_MS, timer.signal).then(
    () => timeUp.abort(),
    () => {},
  );
  const signal = AbortSignal.any([callerLeft, timeUp.signal]);
  try {
    for await (const event of client.streamEvents(runId, { signal })) {
      if (event.type !== "task_run.state" && event.type !== "error") meter.take(event);
    }
  } catch (error) {
    callerLeft.throwIfAborted();
    // The run itself was read; its steps are an extra.
    if (!timeUp.signal.aborted && !(error instanceof TaskApiError)) throw error;
  } finally {
    timer.abort();
  }
  return meter.read().messages;
}
