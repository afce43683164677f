import { sql } from "kysely";
import { LruCache } from "../runtime/lru-cache.ts";
import {
  RunStatus,
  type TaskRun,
  isOver,
  isTerminalStatus,
  mayHaveResult,
} from "../task-api/run.ts";
import { cutText } from "../text/cut-text.ts";
import { jsonText } from "../text/json.ts";
import type { LedgerMessage, RunObservation } from "./ledger.ts";
import { keepOutputs } from "./outputs.ts";
import type { LedgerDatabase } from "./schema.ts";

/** Between two writes of progress: a reader of the list does not need it sooner, and a run sends several steps a second. */
const PROGRESS_INTERVAL_MS = 5_000;
/** The number of runs whose last written state is cached; for other runs it is read again. */
const REMEMBERED_RUNS = 1_000;
/** The last steps, as sentences: what a list or a report shows. The backend keeps them all. */
const MESSAGES_KEPT = 10;
const MESSAGE_MAX_CHARS = 200;
const KIND_MAX_CHARS = 50;

const TERMINAL: readonly string[] = RunStatus.options.filter(isTerminalStatus);

export interface ObservationRecorder {
  record(scope: string, runId: string, observed: RunObservation): Promise<void>;
}

/**
 * Records what was observed of runs that have an entry. A new status and an output are written at once; progress within
 * one status at most every 5 s. An ended run is written once.
 */
export function createObservationRecorder({
  db,
  now,
  maxOutputBytes,
}: {
  db: LedgerDatabase;
  now: () => number;
  maxOutputBytes: number;
}): ObservationRecorder {
  const written = new LruCache<string, { status: string; hadOutput: boolean; atMs: number }>(
    REMEMBERED_RUNS,
  );

  function isDue(key: string, { run, output }: RunObservation): boolean {
    const last = written.get(key);
    if (last === undefined || last.status !== run.status) return true;
    if (output !== null && !last.hadOutput) return true;
    // A clock that was set back must not keep the progress of an hour from being written.
    return !isTerminalStatus(run.status) && Math.abs(now() - last.atMs) >= PROGRESS_INTERVAL_MS;
  }

  return {
    async record(scope, runId, observed) {
      const key = `${scope}\n${runId}`;
      if (!isDue(key, observed)) return;
      const { run, output } = observed;
      // Before the write, so that observations during it do not write the same.
      written.set(key, { status: run.status, hadOutput: output !== null, atMs: now() });
      let isWritten = false;
      try {
        isWritten = await writeObservation(db, {
          scope,
          runId,
          observed,
          maxOutputBytes,
          nowMs: now(),
        });
      } finally {
        if (!isWritten) written.delete(key);
      }
    },
  };
}

/** False when the run has no entry. */
async function writeObservation(
  db: LedgerDatabase,
  {
    scope,
    runId,
    observed: { run, output, percent, messages },
    maxOutputBytes,
    nowMs,
  }: {
    scope: string;
    runId: string;
    observed: RunObservation;
    maxOutputBytes: number;
    nowMs: number;
  },
): Promise<boolean> {
  // Read first, without the lock: for ended runs, and for runs without an entry, there is mostly nothing to write.
  const entry = await db
    .selectFrom("entries")
    .select(["id", "status"])
    .where("scope", "=", scope)
    .where("run_id", "=", runId)
    .executeTakeFirst();
  if (entry === undefined) return false;
  if (!isTerminalStatus(entry.status)) {
    const { interaction_id: interactionId, ...state } = readState(run, nowMs);
    const seenPercent = run.status === "completed" ? 100 : percent;
    const ended = isTerminalStatus(run.status);
    await db
      .updateTable("entries")
      .set({
        ...state,
        interaction_id: sql`coalesce(${interactionId}, interaction_id)`,
        // Another process may have begun to follow the run later, and know less of its progress.
        percent: seenPercent === null ? undefined : sql`max(coalesce(percent, 0), ${seenPercent})`,
        messages: messages.length === 0 ? undefined : writeMessages(messages),
        written_ms: nowMs,
      })
      .where("id", "=", entry.id)
      // Checked again under the lock: terminal states never change, and an older state does not replace a newer one.
      .where("status", "not in", TERMINAL)
      .$if(!ended && state.modified_ms !== null, (query) =>
        query.where(({ eb, or }) =>
          or([eb("modified_ms", "is", null), eb("modified_ms", "<=", state.modified_ms)]),
        ),
      )
      .execute();
  }
  if (mayHaveResult(run) && output !== null) {
    await keepOutputs(db, [{ entryId: entry.id, output }], maxOutputBytes);
  }
  return true;
}

function writeMessages(messages: readonly LedgerMessage[]): string {
  return jsonText(
    messages.slice(-MESSAGES_KEPT).map(({ kind, message, timestamp }) => ({
      kind: cutText(kind, KIND_MAX_CHARS),
      message: cutText(message, MESSAGE_MAX_CHARS),
      timestamp,
    })),
  );
}

/** Writes down the states of many runs in one statement, by the rules of a single observation. Runs without an entry are ignored. */
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
    -- By its id: SQLite would otherwise try every entry with every run.
    where entries.id = (select run.id from entries as run
        where run.scope = ${scope} and run.run_id = seen.value ->> 'run_id')
      and +entries.status not in (${sql.join(TERMINAL)})
      and (seen.value ->> 'finished_ms' is not null or seen.value ->> 'modified_ms' is null
        or entries.modified_ms is null or entries.modified_ms <= seen.value ->> 'modified_ms')
  `.execute(db);
}

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

/** A reason in a list; the backend keeps the rest. */
const ERROR_MAX_CHARS = 1_000;

type SeenRun = Pick<TaskRun, "status" | "is_active" | "interaction_id" | "modified_at" | "error">;

/** The stored columns of a run. */
export function readState(run: SeenRun, nowMs: number) {
  const { status, is_active, interaction_id, modified_at, error } = run;
  const modifiedMs = readTime(modified_at);
  return {
    status,
    is_active: is_active ? 1 : 0,
    interaction_id: interaction_id ?? null,
    error: error ? cutText(error.message, ERROR_MAX_CHARS) : null,
    modified_ms: modifiedMs,
    finished_ms: isOver(run) ? (modifiedMs ?? nowMs) : null,
  };
}

/** Backends may leave a time out, or write it in a way of their own: then it is not known. */
function readTime(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : ms;
}
