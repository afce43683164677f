import type { Clock } from "./clock.ts";
import { onAbort } from "./on-abort.ts";

/** Bounds one exchange: its signal aborts with the caller's, or when the time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  hasPassed(): boolean;
  /** Starts the time again; from now on `ms` is the limit, if given. */
  touch(ms?: number): void;
  /** Stops the time and lets go of the caller's signal. Always call it in the end. */
  clear(): void;
  /** Ends the exchange, whatever is left of it. */
  abort(): void;
}

/** A deadline after `ms` without a `touch()`. It holds one timer, however often it is touched; a limit may only grow. */
export function startDeadline(options: {
  clock: Clock;
  ms: number;
  /** However often it is touched. */
  totalMs?: number | undefined;
  signal: AbortSignal | undefined;
}): Deadline {
  const { clock, signal } = options;
  const exchange = new AbortController();
  let limitMs = options.ms;
  let touchedAt = clock.elapsedMs();
  const endsAt = touchedAt + (options.totalMs ?? Number.POSITIVE_INFINITY);
  let hasPassed = false;

  const leaveCaller = onAbort(signal, () => exchange.abort(signal?.reason));

  let stopTimer = clock.startTimer(limitMs, look);
  function look(): void {
    const leftMs = Math.min(touchedAt + limitMs, endsAt) - clock.elapsedMs();
    if (leftMs > 0) {
      stopTimer = clock.startTimer(leftMs, look);
      return;
    }
    hasPassed = true;
    exchange.abort();
  }

  return {
    signal: exchange.signal,
    // A function: objects with a getter of their own have a hidden class of their own, some 400 bytes each.
    hasPassed: () => hasPassed,
    touch(ms = limitMs) {
      limitMs = ms;
      touchedAt = clock.elapsedMs();
    },
    clear() {
      stopTimer();
      leaveCaller();
    },
    abort() {
      exchange.abort();
    },
  };
}
