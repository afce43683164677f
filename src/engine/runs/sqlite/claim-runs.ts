import type { Database } from "../../../database/open-database.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { ClaimRequest, ClaimedRun, Lease } from "../run-store.ts";
import type { Commit, Write } from "./commit.ts";
import { appendStates } from "./event-log.ts";
import { readRunRow } from "./read-runs.ts";

/** See `RunStore.claim`. */
export async function claimRuns(
  { executorKey, owner, leaseMs, limit }: ClaimRequest,
  { db, clock, commit }: { db: Database; clock: Clock; commit: Commit },
): Promise<ClaimedRun[]> {
  const queued = db
    .selectFrom("runs")
    .select("run_id")
    .where("status", "=", "queued")
    .where("executor_key", "=", executorKey)
    .where("not_before", "is", null)
    .orderBy("created_at")
    .limit(limit);
  // Check without a lock first, so that an idle worker does not block writers.
  const isAnyDue = (await selectDue(db, clock.now()).limit(1).executeTakeFirst()) !== undefined;
  if (!isAnyDue && (await queued.limit(1).executeTakeFirst()) === undefined) return [];
  return commit(async (write) => {
    if (isAnyDue) await readyDue(write);
    const rows = await write.trx
      .updateTable("runs")
      .set(({ eb }) => ({
        status: "running",
        lease_owner: owner,
        lease_until: Math.floor(write.nowMs + leaseMs),
        attempt: eb("attempt", "+", 1),
        modified_at: write.at,
      }))
      // The transaction holds the write lock, so the selected runs are still queued. Checking their status again out
      // here would make SQLite read every queued run, however few were selected.
      .where("run_id", "in", queued)
      .returningAll()
      .execute();
    const runIds = rows.map((row) => row.run_id);
    await appendStates(write, runIds, "running");
    write.announce(runIds, "running");
    // An UPDATE answers in any order; runs start in the order of their creation. Timestamps sort as text.
    const inOrder = rows.toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
    return inOrder.map((row) => {
      const { runId, attempt, tenantId, input, warnings, createdAt } = readRunRow(row);
      return { runId, owner, attempt, tenantId, input, warnings, createdAt };
    });
  });
}

/**
 * A run that is to be retried later has its time in `not_before`, and null once the time has come. So the index has
 * the runs that can be claimed side by side, in their order, however many others wait.
 */
async function readyDue({ trx, nowMs }: Write): Promise<void> {
  await trx
    .updateTable("runs")
    .set({ not_before: null })
    .where("run_id", "in", selectDue(trx, nowMs))
    .execute();
}

function selectDue(db: Database, nowMs: number) {
  return db.selectFrom("runs").select("run_id").where("not_before", "<=", nowMs);
}

/** See `RunStore.renew`. */
export async function renewLeases(
  db: Database,
  owner: string,
  runIds: readonly string[],
  untilMs: number,
): Promise<Map<string, string>> {
  const rows = await db
    .updateTable("runs")
    .set({ lease_until: Math.floor(untilMs) })
    // Only runs in `running` or `cancelling` have an owner.
    .where("lease_owner", "=", owner)
    .where("run_id", "in", runIds)
    .returning(["run_id", "status"])
    .execute();
  return new Map(rows.map((row) => [row.run_id, row.status]));
}

/** The status of a run that `lease` still holds, else undefined. */
export async function readHeldStatus(db: Database, lease: Lease): Promise<string | undefined> {
  const row = await db
    .selectFrom("runs")
    .select("status")
    .where("run_id", "=", lease.runId)
    .where("lease_owner", "=", lease.owner)
    .where("attempt", "=", lease.attempt)
    .executeTakeFirst();
  return row?.status;
}
