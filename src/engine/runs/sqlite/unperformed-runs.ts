import { openDatabase } from "../../../database/open-database.ts";
import { ownerHasEnded } from "../../../database/process-owner.ts";

export interface UnperformedRun {
  runId: string;
  /** Only an engine with this key performs the run. */
  executorKey: string;
}

/**
 * Those of the runs that are unfinished and that no living process performs, or will perform by itself. Opens the database
 * of engines that may run in other processes, and changes nothing in it.
 */
export async function findUnperformedRuns(
  databasePath: string,
  runIds: readonly string[],
  nowMs: number,
): Promise<UnperformedRun[]> {
  const db = await openDatabase(databasePath);
  try {
    const query = db
      .selectFrom("runs")
      .select(["run_id", "status", "executor_key", "lease_owner", "lease_until"]);
    const asked = await query
      .where("run_id", "in", runIds)
      .where("status", "in", ["queued", "running", "cancelling"])
      .execute();
    if (asked.length === 0) return [];
    const held = await query.where("status", "in", ["running", "cancelling"]).execute();
    const performed = held.filter(
      ({ lease_owner: owner, lease_until: until }) =>
        owner !== null && (until ?? 0) >= nowMs && !ownerHasEnded(owner),
    );
    const performedIds = new Set(performed.map((row) => row.run_id));
    // A process that performs others of its kind takes the queued ones in their turn.
    const busyKeys = new Set(performed.map((row) => row.executor_key));
    return asked
      .filter((row) =>
        row.status === "queued" ? !busyKeys.has(row.executor_key) : !performedIds.has(row.run_id),
      )
      .map((row) => ({ runId: row.run_id, executorKey: row.executor_key }));
  } finally {
    await db.destroy();
  }
}
