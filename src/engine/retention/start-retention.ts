import type { Logger } from "pino";
import { type RetentionLoop, startRetentionLoop } from "../../database/retention-loop.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ExpiredRows } from "../runs/run-store.ts";

/** Starting up and the first requests come first. */
const START_DELAY_MS = 30_000;
/** Retention counts in days, so what is an hour late is on time. */
const INTERVAL_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Starts removing, once an hour: runs that ended more than `days` ago with their events, webhooks and evidence, groups
 * as old that are empty (undefined keeps all of them), and expired idempotency keys. The database shrinks by what is
 * free. Runs that have not ended, or whose webhook is still to be delivered, stay.
 */
export function startRunRetention({
  expired,
  clock,
  days,
  log,
}: {
  expired: ExpiredRows;
  clock: Clock;
  days: number | undefined;
  log: Logger;
}): RetentionLoop {
  return startRetentionLoop({
    startDelayMs: START_DELAY_MS,
    intervalMs: INTERVAL_MS,
    sleep: clock.sleep,
    async removeExpired({ inBatches, pause }) {
      const beforeMs = days === undefined ? undefined : clock.now() - days * DAY_MS;
      const ofOldRuns = (remove: (beforeMs: number) => Promise<number>) =>
        beforeMs === undefined ? 0 : inBatches(() => remove(beforeMs));
      const runs = await ofOldRuns(expired.removeRuns);
      const groups = await ofOldRuns(expired.removeEmptyGroups);
      const keys = await inBatches(expired.removeAnswers);
      await expired.compact(pause);
      if (runs + groups + keys > 0) {
        log.info({ runs, groups, idempotency_keys: keys }, "removed what is too old");
      }
    },
    onError(error) {
      log.warn({ err: error }, "could not remove what is too old; trying again in an hour");
    },
  });
}
