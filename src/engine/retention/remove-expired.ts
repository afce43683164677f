import type { Database } from "../../database/open-database.ts";
import { RunStatus, isTerminalStatus } from "../../task-api/run.ts";
import { formatTimestamp } from "../../runtime/clock.ts";

/** Removing a run takes some 0.1 ms, in which nobody else writes and this process does nothing else. */
const BATCH_SIZE = 100;

const TERMINAL = RunStatus.options.filter(isTerminalStatus);

// Each function removes one batch and answers with its size; 0 means that nothing is left. They look before they
// write, because a process that has nothing to remove must not stand in the way of writers.

/** Runs that ended before `beforeMs`, with their events and webhooks, unless a webhook is still to be delivered. */
export async function removeRuns(db: Database, beforeMs: number): Promise<number> {
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
  await db.deleteFrom("runs").where("run_id", "in", runIds).execute();
  return runIds.length;
}

/** Groups without runs that were created before `beforeMs`. */
export async function removeEmptyGroups(db: Database, beforeMs: number): Promise<number> {
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
  // Asked again under the lock: a run may have been added in between.
  const removed = await db.deleteFrom("task_groups").where("taskgroup_id", "in", empty).execute();
  return removed.reduce((sum, { numDeletedRows }) => sum + Number(numDeletedRows), 0);
}

/** Answers kept for an `Idempotency-Key` that was used at `beforeMs` or earlier: they are not replayed any more. */
export async function removeIdempotencyKeys(db: Database, beforeMs: number): Promise<number> {
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
