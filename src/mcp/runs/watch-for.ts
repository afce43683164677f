import { BackendTimedOut } from "../../client/errors.ts";
import { onAbort } from "../../runtime/on-abort.ts";
import type { ProgressReporter } from "./progress.ts";
import type { ToolContext } from "../tool.ts";

/**
 * Watches something until it ends, `seconds` are over or the server drains, and returns what was seen last; null when nothing was. `show`
 * tells the caller of each state and says whether it is the last. Throws what watching throws, and the caller's reason
 * for leaving.
 */
export async function watchFor<Seen>(
  seconds: number,
  {
    clock,
    callerLeft,
    draining,
    progress,
    watch,
    show,
  }: Pick<ToolContext, "clock" | "callerLeft" | "draining"> & {
    progress: ProgressReporter;
    watch: (signal: AbortSignal) => AsyncIterable<Seen>;
    show: (seen: Seen) => "active" | "ended";
  },
): Promise<Seen | null> {
  const ending = new AbortController();
  const { signal } = ending;
  const end = () => ending.abort();
  const stopTimer = clock.startTimer(seconds * 1_000, end);
  const stopListening = [onAbort(callerLeft, end), onAbort(draining, end)];
  let latest: Seen | null = null;
  try {
    for await (const seen of watch(signal)) {
      latest = seen;
      if (show(seen) === "ended") break;
    }
    await progress.finish();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    progress.stop();
    stopTimer();
    for (const stop of stopListening) stop();
  }
  callerLeft.throwIfAborted();
  return latest;
}

/** Added to a wait in which the backend said nothing: enough for one answer, too short to outlast a client's limit. */
const LAST_LOOK_MS = 3_000;

/** After a wait in which nothing was heard: one last look, which must not double that wait. */
export async function lastLook<Seen>(
  { clock, callerLeft }: Pick<ToolContext, "clock" | "callerLeft">,
  look: (signal: AbortSignal) => Promise<Seen>,
): Promise<Seen> {
  const ending = new AbortController();
  const timedOut = new BackendTimedOut("The backend did not answer in the time of this call.");
  const stopTimer = clock.startTimer(LAST_LOOK_MS, () => ending.abort(timedOut));
  const stopListening = onAbort(callerLeft, () => ending.abort(callerLeft.reason));
  try {
    return await look(ending.signal);
  } finally {
    stopTimer();
    stopListening();
  }
}
