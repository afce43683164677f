import type { Clock } from "../../runtime/clock.ts";
import { createNotifier } from "../runs/notifier.ts";

/** Runs a look at the database when its turn has come; answers with what it found. */
export type PollThrottle = <Found>(look: () => Promise<Found>) => Promise<Found>;

/** A poll is followed by a pause of so many times its own length: watchers take at most a fifth of a busy process. */
const PAUSE_PER_LOOK = 4;

/**
 * Lets the watchers of groups look one after the other, with pauses in between. However many they are and however large
 * their groups, the runs go on; what gives way is how soon a watcher sees them.
 */
export function createPollThrottle(clock: Clock): PollThrottle {
  let free: Promise<void> = Promise.resolve();
  return async (look) => {
    const turn = free;
    const { notify, wait } = createNotifier();
    free = wait();
    await turn;
    const startedMs = performance.now();
    try {
      return await look();
    } finally {
      const tookMs = performance.now() - startedMs;
      void clock.sleep(tookMs * PAUSE_PER_LOOK).then(notify);
    }
  };
}
