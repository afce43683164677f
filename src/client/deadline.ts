import type { Clock } from "./clock.ts";
import { onAbort } from "./on-abort.ts";

/** Bounds one exchange: its signal aborts with the caller's, or when the time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly hasPassed: boolean;
  /** Starts the time again. */
  touch(): void;
  /** Stops the time and lets go of the caller's signal. Always call it in the end. */
  clear(): void;
  /** Ends the exchange, whatever is left of it. */
  abort(): void;
}

/** A deadline after `ms` without a `touch()`. It holds one timer, however often it is touched. */
export function startDeadline(options: {
  clock: Clock;
  ms: number;
  signal: AbortSignal | undefined;
}): Deadline {
  const { clock, ms, signal } = options;
  const exchange = new AbortController();
  const timing = new AbortController();
  let touchedAt = clock.now();
  let hasPassed = false;

  const leaveCaller = onAbort(signal, () => exchange.abort(signal?.reason));

  async function run(): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs = touchedAt + ms - clock.now()) {
      await clock.sleep(leftMs, timing.signal);
    }
    hasPassed = true;
    exchange.abort();
  }
  // The only rejection is the sleep that `clear()` interrupts.
  run().catch(() => undefined);

  return {
    signal: exchange.signal,
    get hasPassed() {
      return hasPassed;
    },
    touch() {
      touchedAt = clock.now();
    },
    clear() {
      timing.abort();
      leaveCaller();
    },
    abort() {
      exchange.abort();
    },
  };
}
