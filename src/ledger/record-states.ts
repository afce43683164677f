import { sql } from "kysely";
import type { TaskRun } from "../task-api/run.ts";
import { jsonText } from "../text/json.ts";
import { TERMINAL } from "./record-look.ts";
import { readState } from "./run-state.ts";
import type { LedgerDatabase } from "./schema.ts";

/** Writes down the states of many runs in one statement, by the rules of a look at one. Runs without an entry are ignored. */
export async function recordStates(
  db: LedgerDatabase,
  scope: string,
  runs: readonly TaskRun[],
  nowMs: number,
): Promise<void> {
  if (runs.length === 0) return;
  const seen = jsonText(runs.map((run) => ({ run_id: run.run_id, ...readState(run, nowMs) })));
  await sql`
    update entries
    set status = seen.value ->> 'status',
        is_active = seen.value ->> 'is_active',
        interaction_id = coalesce(seen.value ->> 'interaction_id', interaction_id),
        error = seen.value ->> 'error',
        percent = case seen.value ->> 'status' when 'completed' then 100 else percent end,
        modified_ms = seen.value ->> 'modified_ms',
        finished_ms = seen.value ->> 'finished_ms',
        written_ms = ${nowMs}
    from json_each(${seen}) as seen
    -- By its id: SQLite would otherwise try every entry with every look.
    where entries.id = (select run.id from entries as run
        where run.scope = ${scope} and run.run_id = seen.value ->> 'run_id')
      and +entries.status not in (${sql.join(TERMINAL)})
      and (seen.value ->> 'finished_ms' is not null or seen.value ->> 'modified_ms' is null
        or entries.modified_ms is null or entries.modified_ms <= seen.value ->> 'modified_ms')
  `.execute(db);
}
