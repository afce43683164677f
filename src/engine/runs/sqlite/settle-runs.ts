import type { Database } from "../../../database/open-database.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { RecoveryOptions } from "../run-store.ts";
import type { Commit, Write } from "./commit.ts";
import { endingColumns, moveRun } from "./transitions.ts";

interface Context {
  db: Database;
  clock: Clock;
  commit: Commit;
}

/** See `RunStore.recover`. */
export async function recoverRuns(
  { maxAttempts, ownerIsGone, refId }: RecoveryOptions,
  { db, clock, commit }: Context,
): Promise<number> {
  const held = db
    .selectFrom("runs")
    .select(["run_id", "lease_owner", "lease_until", "attempt", "status"])
    .where("status", "in", ["running", "cancelling"]);
  const isLost = (row: { lease_owner: string | null; lease_until: number | null }) =>
    row.lease_owner === null ||
    (row.lease_until ?? 0) < clock.now() ||
    ownerIsGone(row.lease_owner);
  // Check without a lock first, so that writers are not blocked when there is nothing to do.
  if (!(await held.execute()).some(isLost)) return 0;
  return commit(async (write) => {
    const lost = (await write.trx.executeQuery(held)).rows.filter(isLost);
    for (const { run_id: runId, status, attempt } of lost) {
      if (status === "cancelling") {
        await moveRun(write, runId, { from: ["cancelling"], to: "cancelled" });
      } else if (attempt < maxAttempts) {
        await moveRun(write, runId, { from: ["running"], to: "queued" });
      } else {
        const message = `The worker was lost ${attempt} times while it performed this run. Create the run again.`;
        await failRun(write, runId, { from: "running", refId: refId(), message });
      }
    }
    return lost.length;
  });
}

/** See `RunStore.failUnanswered`. */
export async function failUnanswered(
  refId: () => string,
  { db, clock, commit }: Context,
): Promise<number> {
  const overdue = db
    .selectFrom("runs")
    .select("run_id")
    // Only runs in `action_required` have this deadline.
    .where("action_until", "<", clock.now());
  if ((await overdue.executeTakeFirst()) === undefined) return 0;
  return commit(async (write) => {
    const { rows } = await write.trx.executeQuery(overdue);
    for (const { run_id: runId } of rows) {
      const message = "The run waited for an answer that did not come in time.";
      await failRun(write, runId, { from: "action_required", refId: refId(), message });
    }
    return rows.length;
  });
}

function failRun(
  write: Write,
  runId: string,
  { from, refId, message }: { from: "running" | "action_required"; refId: string; message: string },
): Promise<boolean> {
  const set = endingColumns({ error: { ref_id: refId, message, detail: null } });
  return moveRun(write, runId, { from: [from], to: "failed", set });
}
