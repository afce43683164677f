import type { Database } from "../../database/open-database.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type StatusChanges, toColumns } from "./status-change.ts";

export interface RecoveryOptions {
  /** A run that was claimed so often is not tried again. */
  maxAttempts: number;
  /** Whether the process behind a lease has surely ended. */
  ownerIsGone(owner: string): boolean;
  /** Makes the `ref_id` of a failure. */
  refId(): string;
}

/**
 * Settles the runs whose worker is gone: the lease expired, or `ownerIsGone` knows that its process has ended.
 * `running` → `queued` while attempts remain, else `failed`; `cancelling` → `cancelled`. Answers with their number.
 */
export async function recoverRuns(
  { maxAttempts, ownerIsGone, refId }: RecoveryOptions,
  {
    db,
    clock,
    commit,
    changeStatus,
  }: Pick<StatusChanges, "commit" | "changeStatus"> & { db: Database; clock: Clock },
): Promise<number> {
  const held = db
    .selectFrom("runs")
    .select(["run_id", "lease_owner", "lease_until", "attempt", "status"])
    .where("status", "in", ["running", "cancelling"]);
  const isLost = (row: { lease_owner: string | null; lease_until: number | null }) =>
    row.lease_owner === null ||
    (row.lease_until ?? 0) < clock.now() ||
    ownerIsGone(row.lease_owner);
  // Asked without a lock first, as in `claim`.
  if (!(await held.execute()).some(isLost)) return 0;
  return commit(async (trx, at) => {
    const lost = (await trx.executeQuery(held)).rows.filter(isLost);
    for (const { run_id: runId, status, attempt } of lost) {
      if (status === "cancelling") {
        await changeStatus(trx, at, runId, { from: ["cancelling"], to: "cancelled" });
      } else if (attempt < maxAttempts) {
        await changeStatus(trx, at, runId, { from: ["running"], to: "queued" });
      } else {
        const error = {
          ref_id: refId(),
          message: `The worker was lost ${attempt} times while it performed this run. Create the run again.`,
          detail: null,
        };
        await changeStatus(trx, at, runId, {
          from: ["running"],
          to: "failed",
          set: toColumns({ error }),
        });
      }
    }
    return { changed: lost.map((row) => row.run_id), result: lost.length };
  });
}
