import type { Clock } from "../../runtime/clock.ts";
import { createNotifier } from "../runs/notifier.ts";

/** Runs a poll of the database when its turn has come; resolves to its result. */
export type PollThrottle = <Found>(poll: () => Promise<Found>) => Promise<Found>;

/** A poll is followed by a pause of this many times its duration: watchers take at most a fifth of a busy process. */
const PAUSE_PER_POLL = 4;

/**
 * Runs the polls of all group watchers one after the other, with a pause after each. However many watchers there are,
 * the runs continue at full speed; under load the watchers only see changes later.
 */
export function createPollThrottle(clock: Clock): PollThrottle {
  let free: Promise<void> = Promise.resolve();
  return async (poll) => {
    const turn = free;
    const { notify, wait } = createNotifier();
    free = wait();
    await turn;
    const startedMs = performance.now();
    try {
      return await poll();
    } finally {
      const tookMs = performance.now() - startedMs;
      void clock.sleep(tookMs * PAUSE_PER_POLL).then(notify);
    }
  };
}
