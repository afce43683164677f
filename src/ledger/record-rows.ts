import { sql } from "kysely";
import { isTerminalStatus, mayHaveResult } from "../task-api/run.ts";
import type { RunObservation } from "./ledger.ts";
import { keepOutputs } from "./outputs.ts";
import { recordStates } from "./record-states.ts";
import type { LedgerDatabase } from "./schema.ts";

/** Writes what is not known yet of many rows. Each write of its own would wait for the disk, and add up all outputs. */
export async function recordRows(
  db: LedgerDatabase,
  {
    scope,
    rows,
    maxOutputBytes,
    nowMs,
  }: {
    scope: string;
    rows: readonly Pick<RunObservation, "run" | "output">[];
    maxOutputBytes: number;
    nowMs: number;
  },
): Promise<void> {
  const runIds = JSON.stringify(rows.map(({ run }) => run.run_id));
  // Read first, without the lock: a page that is read again has nothing to write.
  const entries = await db
    .selectFrom("entries")
    .leftJoin("outputs", "outputs.entry_id", "entries.id")
    .select(["entries.id", "entries.run_id", "entries.status", "outputs.id as output_id"])
    .where("entries.scope", "=", scope)
    .where("entries.run_id", "in", sql<string>`(select value from json_each(${runIds}))`)
    .execute();
  const known = new Map(entries.map((entry) => [entry.run_id, entry]));
  const changed = rows.flatMap(({ run }) => {
    const entry = known.get(run.run_id);
    return entry === undefined || isTerminalStatus(entry.status) ? [] : [run];
  });
  await recordStates(db, scope, changed, nowMs);
  const outputs = rows.flatMap(({ run, output }) => {
    const entry = known.get(run.run_id);
    const isNew = entry?.output_id === null && output !== null && mayHaveResult(run);
    return isNew ? [{ entryId: entry.id, output }] : [];
  });
  await keepOutputs(db, outputs, maxOutputBytes);
}
