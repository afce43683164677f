import type { Logger } from "pino";
import { dropOutputs } from "./outputs.ts";
import type { LedgerDatabase } from "./schema.ts";
import { UNBILLED } from "./spending.ts";
import { DAY_MS, startOfUtcDay } from "./utc-day.ts";

export interface RetentionOptions {
  db: LedgerDatabase;
  now: () => number;
  /** Resolves after `ms`; rejects when the signal aborts. Must not keep the process alive. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  retentionDays: number;
  maxOutputBytes: number;
  log: Logger;
}

export interface Retention {
  /** Resolves when the batch under way is done. */
  stop(): Promise<void>;
}

/** Retention counts in days; a process that lives for weeks still looks several times a day. */
const INTERVAL_MS = 6 * 60 * 60 * 1_000;
/** Between two batches: whoever waits for the lock tries at least every 10 ms. */
const PAUSE_MS = 20;
/** Removing an entry takes some 0.1 ms, in which nobody else writes and this process does nothing else. */
const BATCH_SIZE = 100;

/**
 * Removes at once, and again every 6 hours: entries that were last written more than `retentionDays` ago, whatever
 * their state (no run takes days, so nobody asked how an active one ended), groups as old without entries, and outputs
 * while all together are too large. What entries cost stays in the total.
 *
 * The file does not shrink: what is free is used again, and the limit on outputs bounds it.
 */
export function startRetention(options: RetentionOptions): Retention {
  const { db, now, sleep, retentionDays, maxOutputBytes, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function work(): Promise<void> {
    for (;;) {
      await removeExpired().catch((error: unknown) => {
        signal.throwIfAborted();
        log.warn({ err: error }, "could not remove old entries of the ledger; trying again later");
      });
      await sleep(INTERVAL_MS, signal);
    }
  }

  async function removeExpired(): Promise<void> {
    const nowMs = now();
    // What was created today counts against today's budget, however short the retention.
    const beforeMs = Math.min(nowMs - retentionDays * DAY_MS, startOfUtcDay(nowMs));
    const entries = await inBatches(() => removeEntries(db, beforeMs));
    const groups = await inBatches(() => removeGroups(db, beforeMs));
    const outputs = await inBatches(() =>
      db.transaction().execute((trx) => dropOutputs(trx, maxOutputBytes)),
    );
    if (entries + groups + outputs > 0) {
      log.info({ entries, groups, outputs }, "removed from the ledger what is too old or too much");
    }
  }

  async function inBatches(removeBatch: () => Promise<number>): Promise<number> {
    let removed = 0;
    for (;;) {
      signal.throwIfAborted();
      const count = await removeBatch();
      if (count === 0) return removed;
      removed += count;
      await sleep(PAUSE_MS, signal);
    }
  }

  const working = work().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

  return {
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

/** Removes a batch and answers with its size. Looks before it writes, so as not to stand in the way of writers. */
async function removeEntries(db: LedgerDatabase, beforeMs: number): Promise<number> {
  const rows = await db
    .selectFrom("entries")
    .select("id")
    .where("written_ms", "<", beforeMs)
    .limit(BATCH_SIZE)
    .execute();
  if (rows.length === 0) return 0;
  return db.transaction().execute(async (trx) => {
    const removed = await trx
      .deleteFrom("entries")
      .where(
        "id",
        "in",
        rows.map(({ id }) => id),
      )
      // Asked again under the lock: somebody may have looked at the run in between.
      .where("written_ms", "<", beforeMs)
      .returning(["scope", "status", "price_micros"])
      .execute();
    const spent = new Map<string, number>();
    for (const { scope, status, price_micros: price } of removed) {
      if (!UNBILLED.includes(status)) spent.set(scope, (spent.get(scope) ?? 0) + (price ?? 0));
    }
    for (const [scope, micros] of spent) {
      await trx
        .insertInto("removed_spending")
        .values({ scope, micros })
        .onConflict((conflict) =>
          conflict
            .column("scope")
            .doUpdateSet(({ eb }) => ({ micros: eb("removed_spending.micros", "+", micros) })),
        )
        .execute();
    }
    return rows.length;
  });
}

async function removeGroups(db: LedgerDatabase, beforeMs: number): Promise<number> {
  const empty = db
    .selectFrom("group_requests")
    .select("group_requests.id")
    .where("group_requests.created_ms", "<", beforeMs)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom("entries")
            .select("entries.id")
            .whereRef("entries.scope", "=", "group_requests.scope")
            .whereRef("entries.taskgroup_id", "=", "group_requests.taskgroup_id"),
        ),
      ),
    )
    .limit(BATCH_SIZE);
  if ((await empty.executeTakeFirst()) === undefined) return 0;
  const removed = await db.deleteFrom("group_requests").where("id", "in", empty).execute();
  return removed.reduce((sum, { numDeletedRows }) => sum + Number(numDeletedRows), 0);
}
