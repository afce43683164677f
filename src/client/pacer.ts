import type { Clock } from "./clock.ts";
import { ClientLimits } from "./limits.ts";
import { unlessAborted } from "./on-abort.ts";

/** Spaces out what an account may do only so often a minute. */
export interface Pacer {
  /**
   * Resolves when `count` more fit into the quota: at once, or when enough of the earlier ones are a minute old. First
   * come, first served. More than the quota holds goes alone. Rejects with the signal's reason as soon as it aborts;
   * then nothing was taken.
   */
  take(count: number, signal: AbortSignal | undefined): Promise<void>;
}

export function createPacer({ perMinute, clock }: { perMinute: number; clock: Clock }): Pacer {
  /** What was taken within the window, oldest first. */
  const taken: { at: number; count: number }[] = [];
  let sum = 0;
  /** Settles when everybody who came before has taken, or left. */
  let line: Promise<unknown> = Promise.resolve();

  function forgetOld(): void {
    const now = clock.now();
    for (;;) {
      const [oldest] = taken;
      // What seems to come was taken before the clock was set back.
      if (
        oldest === undefined ||
        (oldest.at > now - ClientLimits.quotaWindowMs && oldest.at <= now)
      )
        return;
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
    for (;;) {
      forgetOld();
      const [oldest] = taken;
      if (oldest === undefined || sum + count <= perMinute) break;
      await clock.sleep(oldest.at + ClientLimits.quotaWindowMs - clock.now(), signal);
    }
    const newest = taken.at(-1);
    if (newest?.at === clock.now()) newest.count += count;
    else taken.push({ at: clock.now(), count });
    sum += count;
  }

  return {
    take(count, signal) {
      const turn = takeInTurn(count, line, signal);
      line = turn.catch(() => undefined);
      return unlessAborted(turn, signal);
    },
  };
}
