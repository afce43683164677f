import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { type RunProgress, createRunMeter } from "../../client/follow/run-meter.ts";
import type { Backend } from "./backend.ts";
import { keptSteps } from "./ledger-run.ts";
import type { ToolContext } from "../tool.ts";

/** The replay of what was recorded arrives within this time, or is not coming. */
const REPLAY_MS = 2_000;
/** A replay comes in one go: after this pause, what comes is new. */
const QUIET_MS = 300;

/**
 * The snapshot with the steps of a run, as its stream replays them. The hosted API's stream of an ended run has only the
 * state (Task API, 9.3): then the ledger's last steps are shown.
 */
export async function withSteps(
  backend: Backend,
  seen: RunSnapshot,
  context: Pick<ToolContext, "clock" | "callerLeft">,
): Promise<RunSnapshot> {
  const { run } = seen;
  if (seen.messages.length > 0) return seen;
  const { messages: replayed, ...progress } = await readReplay(backend, run.run_id, context);
  const messages = replayed.length > 0 ? replayed : await keptSteps(backend, run.run_id);
  return { ...seen, ...(run.is_active && progress), messages };
}

async function readReplay(
  { client }: Backend,
  runId: string,
  { clock, callerLeft }: Pick<ToolContext, "clock" | "callerLeft">,
): Promise<RunProgress> {
  const meter = createRunMeter();
  const enough = new AbortController();
  const end = () => enough.abort();
  const stopTimer = clock.startTimer(REPLAY_MS, end);
  let stopPause = () => {};
  const signal = AbortSignal.any([callerLeft, enough.signal]);
  try {
    for await (const event of client.streamEvents(runId, { signal })) {
      if (event.type !== "task_run.state" && event.type !== "error") meter.take(event);
      stopPause();
      stopPause = clock.startTimer(QUIET_MS, end);
    }
  } catch (error) {
    callerLeft.throwIfAborted();
    // The run itself was read; its steps are an extra.
    if (!enough.signal.aborted && !(error instanceof TaskApiError)) throw error;
  } finally {
    stopTimer();
    stopPause();
  }
  return meter.read();
}
