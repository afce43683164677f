import { sql } from "kysely";
import { jsonText } from "../text/json.ts";
import type { AcceptedRun } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import { readState } from "./record-observation.ts";

/**
 * Writes down what the backend answered. Should it have answered with a run that has an entry already, there is one run
 * and one price: the newer entry goes away.
 */
export async function accept(
  db: LedgerDatabase,
  scope: string,
  accepted: readonly AcceptedRun[],
  nowMs: number,
): Promise<void> {
  // One statement however many runs: what is written for each is in the JSON.
  const answers = jsonText(
    accepted.map(({ entryId, run }) => ({
      id: entryId,
      run_id: run.run_id,
      ...readState(
        // A group answers 202 for its runs, which means queued. Source: Task API, "Add runs".
        { ...run, status: run.status ?? "queued", is_active: run.is_active ?? true },
        nowMs,
      ),
    })),
  );
  await db.transaction().execute(async (trx) => {
    await sql`
      update or ignore entries
      set run_id = answer.value ->> 'run_id',
          interaction_id = answer.value ->> 'interaction_id',
          status = answer.value ->> 'status',
          is_active = answer.value ->> 'is_active',
          error = answer.value ->> 'error',
          modified_ms = answer.value ->> 'modified_ms',
          finished_ms = answer.value ->> 'finished_ms',
          sender = null,
          written_ms = ${nowMs}
      from json_each(${answers}) as answer
      -- The plus signs keep SQLite to the id: by other indexes it would try every entry with every answer.
      where entries.id = answer.value ->> 'id' and +entries.scope = ${scope} and +entries.run_id is null
    `.execute(trx);
    await release(
      trx,
      scope,
      accepted.map(({ entryId }) => entryId),
    );
  });
}

/** Removes entries of runs that were surely not accepted, if they are that old. An entry that has a run stays. */
export async function release(
  db: LedgerDatabase,
  scope: string,
  entryIds: readonly number[],
  createdBeforeMs = Number.MAX_SAFE_INTEGER,
): Promise<void> {
  await db
    .deleteFrom("entries")
    .where("scope", "=", scope)
    .where("id", "in", idsIn(entryIds))
    .where("run_id", "is", null)
    .where("created_ms", "<", createdBeforeMs)
    .execute();
}

/** Notes that these are no longer being sent. */
export async function endSending(
  db: LedgerDatabase,
  scope: string,
  entryIds: readonly number[],
): Promise<void> {
  await db
    .updateTable("entries")
    .set({ sender: null })
    .where("scope", "=", scope)
    .where("id", "in", idsIn(entryIds))
    .execute();
}

function idsIn(entryIds: readonly number[]) {
  return sql<number>`(select value from json_each(${JSON.stringify(entryIds)}))`;
}
