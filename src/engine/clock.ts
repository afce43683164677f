import { setTimeout } from "node:timers/promises";

/** Where the engine takes its time from; tests bring their own. */
export interface Clock {
  /** Epoch milliseconds; fractions keep moments within one millisecond apart. */
  now(): number;
  /** Milliseconds on a monotonic clock, which setting the time does not change: for how long something takes. */
  elapsedMs(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it aborts, and leaves no timer behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A microsecond: the resolution of the API's timestamps. */
const TICK_MS = 0.001;
/** A clock that was set back further than this is followed; less is noise. */
const JUMP_MS = 1_000;

let latest = 0;

/**
 * The system's own time, which every process of the machine shares and which a suspended machine does not fall behind.
 * Each answer is later than the one before, so that what happens in one millisecond keeps its order.
 */
function readSystemTime(): number {
  const now = Date.now();
  latest = now > latest || now < latest - JUMP_MS ? now : latest + TICK_MS;
  return latest;
}

export const systemClock: Clock = {
  now: readSystemTime,
  elapsedMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      // The timer rejects with an error of its own.
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** RFC 3339 with microseconds and `Z`, as the Task API writes times. Sorts as text in the order of time. */
export function formatTimestamp(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  const micros = Math.floor((epochMs - wholeMs) * 1000);
  return new Date(wholeMs).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`);
}
