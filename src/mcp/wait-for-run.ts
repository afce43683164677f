import { BackendTimedOut, RunNotFound } from "../client/errors.ts";
import type { RunSnapshot } from "../client/follower.ts";
import type { TaskApiClient } from "../client/task-api-client.ts";
import type { TaskRun } from "../task-api/run.ts";
import type { Backend } from "./backend.ts";
import type { ToolContext } from "./tool.ts";

/** A completed run's result is there at once; the API wants a timeout of at least this. */
const READY_RESULT_SECONDS = 1;

/** Added to a wait in which the backend said nothing: enough for one answer, too short to outlast a client's limit. */
const LAST_LOOK_MS = 3_000;

/**
 * Watches a run until it is no longer active or `seconds` are over, telling the caller how it gets on. Whoever leaves
 * only stops watching. Throws what the client throws, and the caller's abort reason.
 */
export async function waitForRun(
  { followers, client }: Backend,
  runId: string,
  seconds: number,
  { clock, callerLeft, startProgress }: ToolContext,
): Promise<RunSnapshot> {
  const timer = new AbortController();
  const timeUp = new AbortController();
  // The only rejection is the sleep the end of the wait interrupts.
  clock.sleep(seconds * 1_000, timer.signal).then(
    () => timeUp.abort(),
    () => {},
  );
  const signal = AbortSignal.any([callerLeft, timeUp.signal]);
  const progress = startProgress(runId);
  let latest: RunSnapshot | null = null;
  try {
    for await (const snapshot of followers.watch(runId, { signal })) {
      latest = snapshot;
      progress.update({ status: snapshot.run.status, ...snapshot });
      if (!snapshot.run.is_active) break;
    }
    await progress.finish();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    progress.stop();
    timer.abort();
  }
  callerLeft.throwIfAborted();
  return latest ?? lookOnceMore(client, runId, { clock, callerLeft });
}

/** A run of which nothing was heard in the whole wait: one last look, which must not double that wait. */
async function lookOnceMore(
  client: TaskApiClient,
  runId: string,
  { clock, callerLeft }: Pick<ToolContext, "clock" | "callerLeft">,
): Promise<RunSnapshot> {
  const timer = new AbortController();
  const timeUp = new AbortController();
  const timedOut = new BackendTimedOut("The backend did not answer in the time of this call.");
  // The only rejection is the sleep that an answer interrupts.
  clock.sleep(LAST_LOOK_MS, timer.signal).then(
    () => timeUp.abort(timedOut),
    () => {},
  );
  try {
    const signal = AbortSignal.any([callerLeft, timeUp.signal]);
    return snapshotOf(await client.retrieveRun(runId, { signal }));
  } finally {
    timer.abort();
  }
}

/** The run as it is now, without waiting. */
export async function lookAtRun(
  { client }: Backend,
  runId: string,
  signal: AbortSignal,
): Promise<RunSnapshot> {
  return snapshotOf(await client.retrieveRun(runId, { signal }));
}

/** The snapshot with its output, which a mere look at a completed run does not bring. */
export async function withOutput(
  { client }: Backend,
  snapshot: RunSnapshot,
  signal: AbortSignal,
): Promise<RunSnapshot> {
  const { run } = snapshot;
  if (snapshot.output !== null || run.status !== "completed") return snapshot;
  const timeoutSeconds = READY_RESULT_SECONDS;
  try {
    const { output } = await client.retrieveResult(run.run_id, { timeoutSeconds, signal });
    return { ...snapshot, output };
  } catch (error) {
    // Completed, and yet no result: the backend did not keep it.
    if (error instanceof RunNotFound) return snapshot;
    throw error;
  }
}

/** A snapshot of which only the run is known. */
export function snapshotOf(run: TaskRun): RunSnapshot {
  return {
    run,
    output: null,
    percent: run.status === "completed" ? 100 : 0,
    latestMessage: null,
    sourcesRead: null,
    sourcesConsidered: null,
    sourcesSample: [],
    messages: [],
    trouble: null,
  };
}
