import { onAbort } from "./on-abort.ts";

/** Time, as an argument: tests turn it by hand instead of waiting. */
export interface Clock {
  /** Milliseconds since the epoch: for what is shown, stored or compared with others. It can be set, also back. */
  now(): number;
  /** Milliseconds on a monotonic clock, which setting the time does not change: for how long something takes. */
  elapsedMs(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it aborts, and leaves no timer behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back after `ms`, unless the returned function was called before. */
  startTimer(ms: number, onTimeUp: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
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
