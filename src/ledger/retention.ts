import type { Logger } from "pino";
import { type RetentionLoop, startRetentionLoop } from "../database/retention-loop.ts";
import { dropOutputs } from "./outputs.ts";
import type { LedgerDatabase } from "./schema.ts";
import { DAY_MS, UNBILLED, startOfUtcDay } from "./spending.ts";

export interface RetentionOptions {
  db: LedgerDatabase;
  now: () => number;
  /** Resolves after `ms`; rejects when the signal aborts. Must not keep the process alive. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  retentionDays: number;
  maxOutputBytes: number;
  log: Logger;
}

/** Retention is in days, so a few checks a day are enough for a process that lives for weeks. */
const INTERVAL_MS = 6 * 60 * 60 * 1_000;
/** Removing an entry takes some 0.1 ms, in which no other process writes and this one does nothing else. */
const BATCH_SIZE = 100;

/**
 * Removes at once, and again every 6 hours: entries that were last written more than `retentionDays` ago, in any state
 * (no run takes days, so an active one was given up), groups as old without entries, and outputs while all together are
 * too large. What entries cost stays in the total.
 *
 * The file does not shrink: what is free is used again, and the limit on outputs bounds it.
 */
export function startLedgerRetention(options: RetentionOptions): RetentionLoop {
  const { db, now, sleep, retentionDays, maxOutputBytes, log } = options;
  return startRetentionLoop({
    startDelayMs: 0,
    intervalMs: INTERVAL_MS,
    sleep,
    async removeExpired({ inBatches }) {
      const nowMs = now();
      // Entries of today count against today's budget, so they stay however short the retention is.
      const beforeMs = Math.min(nowMs - retentionDays * DAY_MS, startOfUtcDay(nowMs));
      const entries = await inBatches(() => removeEntries(db, beforeMs));
      const groups = await inBatches(() => removeGroups(db, beforeMs));
      const outputs = await inBatches(() =>
        db.transaction().execute((trx) => dropOutputs(trx, maxOutputBytes)),
      );
      if (entries + groups + outputs > 0) {
        log.info({ entries, groups, outputs }, "removed old entries and too large outputs");
      }
    },
    onError(error) {
      log.warn({ err: error }, "could not remove old entries of the ledger; trying again later");
    },
  });
}

/**
 * Removes a batch and resolves to its size. Reads before it writes, so that it does not block writers when there is
 * nothing to remove.
 */
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
      // Check again under the lock: the entry may have been updated in between.
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
