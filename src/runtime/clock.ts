import { onAbort } from "./on-abort.ts";

/** Time, as an argument: tests turn it by hand instead of waiting. */
export interface Clock {
  /**
   * Milliseconds since the epoch: for what is shown, stored or compared with others. Fractions keep moments within one
   * millisecond apart. The time can be set, also back.
   */
  now(): number;
  /** Milliseconds on a monotonic clock, which setting the time does not change: for how long something takes. */
  elapsedMs(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it aborts, and leaves no timer behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back after `ms`, unless the returned function was called before. */
  startTimer(ms: number, onTimeUp: () => void): () => void;
}

/** A microsecond: the resolution of the Task API's timestamps. */
const TICK_MS = 0.001;
/** A clock that was set back further than this is followed; less is noise. */
const JUMP_MS = 1_000;

let latest = 0;

export const systemClock: Clock = {
  /** Each answer is later than the one before, so that what happens in one millisecond keeps its order. */
  now() {
    const now = Date.now();
    latest = now > latest || now < latest - JUMP_MS ? now : latest + TICK_MS;
    return latest;
  },
  elapsedMs: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        stopListening();
        resolve();
      };
      const timer = setTimeout(wake, ms);
      const stopListening = onAbort(signal, wake);
    });
    signal?.throwIfAborted();
  },
  startTimer(ms, onTimeUp) {
    const timer = setTimeout(onTimeUp, ms);
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 with microseconds and `Z`, as the Task API writes times. Sorts as text in the order of time. */
export function formatTimestamp(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  // The nearest one: the number is exact to a quarter of a microsecond, and may lie just below it.
  const micros = Math.min(999, Math.round((epochMs - wholeMs) * 1_000));
  return new Date(wholeMs).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`);
}
