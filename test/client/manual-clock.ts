import type { Clock } from "../../src/runtime/clock.ts";

export interface ManualClock extends Clock {
  /** Moves the time on and wakes whoever is due. */
  advance(ms: number): void;
  /** Somebody corrects the time of day; no time has passed. */
  setBack(ms: number): void;
  /** How many sleep, or have a timer, at the moment. */
  readonly sleepers: number;
  /** Every sleep and timer begun so far, in order. */
  readonly sleeps: readonly number[];
  /** Resolves when the condition holds; it is looked at again whenever a sleep begins or ends. */
  until(condition: () => boolean): Promise<void>;
}

/** A clock that only the test moves. */
export function createManualClock(startAt = Date.parse("2026-11-24T12:00:00Z")): ManualClock {
  let now = startAt;
  let setBackMs = 0;
  const pending = new Set<{ wakeAt: number; wake: () => void }>();
  const sleeps: number[] = [];
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of waiting) check();
  };

  function startTimer(ms: number, onTimeUp: () => void): () => void {
    const end = () => {
      pending.delete(sleeper);
      look();
    };
    const sleeper = {
      wakeAt: now + ms,
      wake() {
        pending.delete(sleeper);
        onTimeUp();
        look();
      },
    };
    pending.add(sleeper);
    sleeps.push(ms);
    look();
    return end;
  }

  return {
    now: () => now - setBackMs,
    elapsedMs: () => now,
    setBack(ms) {
      setBackMs += ms;
    },
    startTimer,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal?.removeEventListener("abort", wake);
          stopTimer();
          resolve();
        };
        const stopTimer = startTimer(ms, wake);
        signal?.addEventListener("abort", wake, { once: true });
      });
      signal?.throwIfAborted();
    },
    advance(ms) {
      now += ms;
      for (const sleeper of pending) if (sleeper.wakeAt <= now) sleeper.wake();
    },
    get sleepers() {
      return pending.size;
    },
    sleeps,
    until: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}
