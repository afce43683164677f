import type { Clock } from "../../runtime/clock.ts";
import { ClientLimits } from "../limits.ts";
import { unlessAborted } from "../../runtime/on-abort.ts";

/** Spaces out what an account may do only so often a minute. */
export interface RateLimiter {
  /** Takes `count` if they fit now and no earlier caller waits; returns whether it did. */
  takeNow(count: number): boolean;
  /**
   * Resolves when `count` more fit into the quota: at once, or when enough of the earlier ones are a minute old. First
   * come, first served. More than the quota holds goes alone. Rejects with the signal's reason as soon as it aborts;
   * then nothing was taken.
   */
  take(count: number, signal: AbortSignal | undefined): Promise<void>;
}

export function createRateLimiter({
  perMinute,
  clock,
}: {
  perMinute: number;
  clock: Clock;
}): RateLimiter {
  /** The amounts taken within the window, oldest first. */
  const taken: { at: number; count: number }[] = [];
  let sum = 0;
  let waiting = 0;
  /** Settles when every earlier caller has taken its share, or left. */
  let queue: Promise<unknown> = Promise.resolve();

  function forgetOld(): void {
    const startMs = clock.elapsedMs() - ClientLimits.quotaWindowMs;
    for (;;) {
      const [oldest] = taken;
      if (oldest === undefined || oldest.at > startMs) return;
      sum -= oldest.count;
      taken.shift();
    }
  }

  async function takeInTurn(
    count: number,
    before: Promise<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await before;
    signal?.throwIfAborted();
    while (!fits(count)) {
      const [oldest] = taken;
      const wakeAt = (oldest?.at ?? clock.elapsedMs()) + ClientLimits.quotaWindowMs;
      await clock.sleep(wakeAt - clock.elapsedMs(), signal);
    }
    note(count);
  }

  /** More than the quota holds fits when nothing else was taken. */
  function fits(count: number): boolean {
    forgetOld();
    return taken.length === 0 || sum + count <= perMinute;
  }

  function note(count: number): void {
    const at = Math.floor(clock.elapsedMs());
    const newest = taken.at(-1);
    if (newest?.at === at) newest.count += count;
    else taken.push({ at, count });
    sum += count;
  }

  return {
    takeNow(count) {
      if (waiting > 0 || !fits(count)) return false;
      note(count);
      return true;
    },
    take(count, signal) {
      waiting += 1;
      const turn = takeInTurn(count, queue, signal).finally(() => {
        waiting -= 1;
      });
      queue = turn.catch(() => undefined);
      return unlessAborted(turn, signal);
    },
  };
}
