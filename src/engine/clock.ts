import { setTimeout } from "node:timers/promises";

/** Where the engine takes its time from; tests bring their own. */
export interface Clock {
  /** Epoch milliseconds, with fractions where the system has them. */
  now(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it aborts, and leaves no timer behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
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
