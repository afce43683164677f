import { type RawBuilder, sql } from "kysely";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import { type Clock, formatTimestamp } from "../../../runtime/clock.ts";
import { RunStatus, isTerminalStatus } from "../../../task-api/run.ts";
import { ANSWER_TTL_MS } from "../kept-answers.ts";
import type { ExpiredRows } from "../run-store.ts";

/** Removing a run takes some 0.1 ms, in which no other process writes and this one does nothing else. */
const BATCH_SIZE = 100;

const TERMINAL = RunStatus.options.filter(isTerminalStatus);

/** Each removal reads before it writes, so that it does not block writers when there is nothing to remove. */
export function createExpiredRows(db: Database, clock: Clock): ExpiredRows {
  return {
    removeRuns: (beforeMs) => removeRuns(db, beforeMs),
    removeEmptyGroups: (beforeMs) => removeEmptyGroups(db, beforeMs),
    removeAnswers: () => removeAnswers(db, clock.now() - ANSWER_TTL_MS),
    compact: (pause) => compactDatabase(db, pause),
  };
}

async function removeRuns(db: Database, beforeMs: number): Promise<number> {
  const before = formatTimestamp(beforeMs);
  const rows = await db
    .selectFrom("runs")
    .select("run_id")
    .where("status", "in", TERMINAL)
    // True of every run that ended before; it lets the index decide about the others without reading them.
    .where("created_at", "<", before)
    .where("modified_at", "<", before)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom("webhook_deliveries")
            .select("webhook_id")
            .whereRef("webhook_deliveries.run_id", "=", "runs.run_id")
            .where("next_attempt_ms", "is not", null),
        ),
      ),
    )
    .limit(BATCH_SIZE)
    .execute();
  const runIds = rows.map((row) => row.run_id);
  if (runIds.length === 0) return 0;
  // An ended run never changes, so what was true of it still is. Its events and webhooks go with it; what it cost stays.
  await db.transaction().execute(async (trx) => {
    const seen = await trx
      .selectFrom("run_evidence")
      .select("hash")
      .distinct()
      .where("run_id", "in", runIds)
      .execute();
    await trx.deleteFrom("runs").where("run_id", "in", runIds).execute();
    await removeUnusedPages(
      trx,
      seen.map(({ hash }) => hash),
    );
  });
  return runIds.length;
}

/** Removes those of these pages that no run has seen, with their passages. */
async function removeUnusedPages(trx: Database, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await trx
    .deleteFrom("evidence_pages")
    .where("hash", "in", hashes)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom("run_evidence")
            .select("page")
            .whereRef("run_evidence.hash", "=", "evidence_pages.hash"),
        ),
      ),
    )
    .execute();
}

async function removeEmptyGroups(db: Database, beforeMs: number): Promise<number> {
  const empty = db
    .selectFrom("task_groups")
    .select("taskgroup_id")
    .where("created_at", "<", formatTimestamp(beforeMs))
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom("runs")
            .select("runs.run_id")
            .whereRef("runs.taskgroup_id", "=", "task_groups.taskgroup_id"),
        ),
      ),
    )
    .limit(BATCH_SIZE);
  if ((await empty.executeTakeFirst()) === undefined) return 0;
  // Check again under the lock: a run may have been added in between.
  const removed = await db.deleteFrom("task_groups").where("taskgroup_id", "in", empty).execute();
  return removed.reduce((sum, { numDeletedRows }) => sum + Number(numDeletedRows), 0);
}

async function removeAnswers(db: Database, beforeMs: number): Promise<number> {
  const old = db
    .selectFrom("idempotency_keys")
    .select(["tenant_id", "key"])
    .where("created_ms", "<=", beforeMs)
    .limit(BATCH_SIZE);
  if ((await old.executeTakeFirst()) === undefined) return 0;
  const removed = await db
    .deleteFrom("idempotency_keys")
    .where(({ eb, refTuple }) =>
      eb(refTuple("tenant_id", "key"), "in", old.$asTuple("tenant_id", "key")),
    )
    .execute();
  return removed.reduce((sum, { numDeletedRows }) => sum + Number(numDeletedRows), 0);
}

/** Moves and cuts off a megabyte in a few milliseconds, during which no other process writes. */
const PAGES_PER_STEP = 256;

const FreePages = z.object({ freelist_count: z.number() });

/**
 * Gives the free pages of the file back to the system, step by step, with `pause` in between. A database from before
 * incremental vacuum keeps them for later rows instead. Source: SQLite, `PRAGMA incremental_vacuum`.
 */
async function compactDatabase(db: Database, pause: () => Promise<void>): Promise<void> {
  let free = await countFreePages(db);
  while (free > 0) {
    // A transaction waits for the write lock; the bare statement would fail if the lock is taken.
    await db
      .transaction()
      .execute((trx) => sql`PRAGMA incremental_vacuum(${sql.lit(PAGES_PER_STEP)})`.execute(trx));
    const left = await countFreePages(db);
    if (left >= free) break;
    free = left;
    await pause();
  }
  // The file itself is cut off when the log is written back to it. Passive: it waits for no reader.
  await sql`PRAGMA wal_checkpoint(PASSIVE)`.execute(db);
}

async function countFreePages(db: Database): Promise<number> {
  const query: RawBuilder<unknown> = sql`PRAGMA freelist_count`;
  const { rows } = await query.execute(db);
  return FreePages.parse(rows[0]).freelist_count;
}
