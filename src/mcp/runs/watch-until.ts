import { BackendTimedOut } from "../../client/errors.ts";
import { onAbort } from "../../runtime/on-abort.ts";
import type { CallContext } from "./call-context.ts";
import { type Observation, type ProgressReporter, silentProgress } from "./progress.ts";

/**
 * Watches a run or a group until it ends, `seconds` are over or the server shuts down, and reports its progress. Returns
 * the last state; null when none arrived. Throws what watching throws, and the caller's abort reason.
 */
export async function watchUntil<State>(
  seconds: number,
  {
    clock,
    signal,
    shutdownSignal,
    progress = silentProgress,
    watch,
    observe,
    isEnded,
  }: Pick<CallContext, "clock" | "signal"> & {
    shutdownSignal: AbortSignal | undefined;
    progress: ProgressReporter | undefined;
    watch: (signal: AbortSignal) => AsyncIterable<State>;
    observe: (state: State) => Observation;
    isEnded: (state: State) => boolean;
  },
): Promise<State | null> {
  const ending = new AbortController();
  const end = () => ending.abort();
  const stopTimer = clock.startTimer(seconds * 1_000, end);
  const stopListening = [onAbort(signal, end), onAbort(shutdownSignal, end)];
  let latest: State | null = null;
  try {
    for await (const state of watch(ending.signal)) {
      latest = state;
      progress.update(observe(state));
      if (isEnded(state)) break;
    }
    await progress.finish();
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    progress.stop();
    stopTimer();
    for (const stop of stopListening) stop();
  }
  signal.throwIfAborted();
  return latest;
}

/** Added to a wait in which the backend did not answer: enough for one answer, too short to exceed a client's limit. */
const FINAL_READ_MS = 3_000;

/** Nothing arrived during the wait: reads once more, capped at {@link FINAL_READ_MS}. */
export async function finalRead<State>(
  { clock, signal }: Pick<CallContext, "clock" | "signal">,
  read: (signal: AbortSignal) => Promise<State>,
): Promise<State> {
  const ending = new AbortController();
  const timedOut = new BackendTimedOut("The backend did not answer in the time of this call.");
  const stopTimer = clock.startTimer(FINAL_READ_MS, () => ending.abort(timedOut));
  const stopListening = onAbort(signal, () => ending.abort(signal.reason));
  try {
    return await read(ending.signal);
  } finally {
    stopTimer();
    stopListening();
  }
}
