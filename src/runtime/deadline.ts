import type { Clock } from "./clock.ts";
import { onAbort } from "./on-abort.ts";

/** The time limit passed before the work was done. `cause` is what the work threw because of it. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/**
 * Runs `work` with a signal that aborts with `signal`, or after `ms`. Rejects with the reason of `signal`, or with
 * {@link DeadlinePassed}, as soon as the work has given up; work that ignores its signal is waited for.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline({ clock, ms, signal });
  try {
    return await work(deadline.signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.hasPassed()) throw error;
    throw new DeadlinePassed(`The time limit of ${ms} ms passed.`, { cause: error });
  } finally {
    deadline.clear();
  }
}

/** A time limit for work that is not one call, such as a stream: its signal aborts with the caller's, or when the time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  hasPassed(): boolean;
  /** Starts the time again; from now on `ms` is the limit, if given. */
  touch(ms?: number): void;
  /** Stops the timer and removes the listener from the caller's signal. Always call it in the end. */
  clear(): void;
  /** Aborts the signal now. */
  abort(reason?: unknown): void;
}

/** A deadline after `ms` without a `touch()`. It holds one timer, however often it is touched; a limit may only grow. */
export function startDeadline({
  clock,
  ms,
  totalMs = Number.POSITIVE_INFINITY,
  signal,
}: {
  clock: Clock;
  ms: number;
  /** The limit of the whole, however often it is touched. */
  totalMs?: number | undefined;
  signal: AbortSignal | undefined;
}): Deadline {
  const controller = new AbortController();
  let limitMs = ms;
  let touchedAt = clock.elapsedMs();
  const endsAt = touchedAt + totalMs;
  let hasPassed = false;

  const stopListening = onAbort(signal, () => controller.abort(signal?.reason));

  let stopTimer = clock.startTimer(limitMs, checkTime);
  function checkTime(): void {
    const leftMs = Math.min(touchedAt + limitMs, endsAt) - clock.elapsedMs();
    if (leftMs > 0) {
      stopTimer = clock.startTimer(leftMs, checkTime);
      return;
    }
    hasPassed = true;
    controller.abort(new DeadlinePassed("The time limit passed."));
  }

  return {
    signal: controller.signal,
    // A function: objects with a getter of their own have a hidden class of their own, some 400 bytes each.
    hasPassed: () => hasPassed,
    touch(newMs = limitMs) {
      limitMs = newMs;
      touchedAt = clock.elapsedMs();
    },
    clear() {
      stopTimer();
      stopListening();
    },
    abort: (reason) => controller.abort(reason),
  };
}
