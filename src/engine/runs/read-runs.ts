import type { Database } from "../../database/open-database.ts";
import type { RunStatus } from "../../task-api/run.ts";
import { type RunRecord, readRunRow } from "./run-record.ts";

export interface RunPage {
  runs: RunRecord[];
  nextCursor: RunCursor | null;
}

/** The last run of a page; the next page holds older ones. */
export interface RunCursor {
  createdAt: string;
  runId: string;
}

export async function findRun(db: Database, runId: string): Promise<RunRecord | undefined> {
  const row = await db
    .selectFrom("runs")
    .selectAll()
    .where("run_id", "=", runId)
    .executeTakeFirst();
  return row && readRunRow(row);
}

/** A page of at most `limit` runs, newest first. */
export async function listRuns(
  db: Database,
  {
    status,
    limit,
    cursor,
  }: { status?: RunStatus | undefined; limit: number; cursor?: RunCursor | undefined },
): Promise<RunPage> {
  let query = db
    .selectFrom("runs")
    .selectAll()
    .orderBy("created_at", "desc")
    .orderBy("run_id", "desc")
    .limit(limit + 1);
  if (status !== undefined) query = query.where("status", "=", status);
  if (cursor !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("created_at", "run_id"), "<", tuple(cursor.createdAt, cursor.runId)),
    );
  }
  const rows = await query.execute();
  const runs = rows.slice(0, limit).map(readRunRow);
  const last = runs.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { runs, nextCursor: more ? { createdAt: last.createdAt, runId: last.runId } : null };
}
