import type { Logger } from "pino";
import type { Database } from "../../database/open-database.ts";
import type { Clock } from "../../runtime/clock.ts";
import { IDEMPOTENCY_TTL_MS } from "../http-api/idempotency.ts";
import { compactDatabase } from "./compact-database.ts";
import { removeEmptyGroups, removeIdempotencyKeys, removeRuns } from "./remove-expired.ts";

/** Removes what is too old until it is stopped. */
export interface Retention {
  /** Resolves when the batch under way is done. */
  stop(): Promise<void>;
}

/** Starting up and the first requests come first. */
const START_DELAY_MS = 30_000;
/** Retention counts in days, so what is an hour late is on time. */
const INTERVAL_MS = 60 * 60 * 1_000;
/** Between two batches: whoever waits for the lock tries at least every 10 ms, and the thread is free for requests. */
const PAUSE_MS = 20;
const DAY_MS = 24 * 60 * 60 * 1_000;

class RetentionStopping extends Error {
  override readonly name = "RetentionStopping";
}

/**
 * Starts removing, once an hour: runs that ended more than `days` ago with their events and webhooks, groups as old
 * that are empty (undefined keeps all of them), and expired idempotency keys. The file shrinks by what is free. Runs that
 * have not ended, or whose webhook is still to be delivered, stay.
 */
export function startRetention({
  db,
  clock,
  days,
  log,
}: {
  db: Database;
  clock: Clock;
  days: number | undefined;
  log: Logger;
}): Retention {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = () => clock.sleep(PAUSE_MS, signal);

  async function work(): Promise<void> {
    await clock.sleep(START_DELAY_MS, signal);
    for (;;) {
      await removeExpired().catch((error: unknown) => {
        signal.throwIfAborted();
        log.warn({ err: error }, "could not remove what is too old; trying again in an hour");
      });
      await clock.sleep(INTERVAL_MS, signal);
    }
  }

  async function removeExpired(): Promise<void> {
    const nowMs = clock.now();
    const runs = days === undefined ? 0 : await inBatches(removeRuns, nowMs - days * DAY_MS);
    const groups =
      days === undefined ? 0 : await inBatches(removeEmptyGroups, nowMs - days * DAY_MS);
    const keys = await inBatches(removeIdempotencyKeys, nowMs - IDEMPOTENCY_TTL_MS);
    await compactDatabase(db, pause);
    if (runs + groups + keys > 0) {
      log.info({ runs, groups, idempotency_keys: keys }, "removed what is too old");
    }
  }

  async function inBatches(
    removeBatch: (db: Database, beforeMs: number) => Promise<number>,
    beforeMs: number,
  ): Promise<number> {
    let removed = 0;
    for (;;) {
      const count = await removeBatch(db, beforeMs);
      if (count === 0) return removed;
      removed += count;
      await pause();
    }
  }

  const working = work().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

  return {
    async stop() {
      stopping.abort(new RetentionStopping());
      await working;
    },
  };
}
