import { sql } from "kysely";
import { RunStatus, isTerminalStatus, mayHaveResult } from "../task-api/run.ts";
import { cutText } from "../text/cut-text.ts";
import { jsonText } from "../text/json.ts";
import type { LedgerMessage, RunObservation } from "./ledger.ts";
import { keepOutputs } from "./outputs.ts";
import { readState } from "./run-state.ts";
import type { LedgerDatabase } from "./schema.ts";

/** Between two writes of progress: a reader of the list does not need it sooner, and a run sends several steps a second. */
const PROGRESS_INTERVAL_MS = 5_000;
/** What was last written is remembered of this many runs; of others it is read again. */
const REMEMBERED_RUNS = 1_000;
/** The last steps, as sentences: what a list or a report shows. The backend keeps them all. */
const MESSAGES_KEPT = 10;
const MESSAGE_MAX_CHARS = 200;
const KIND_MAX_CHARS = 50;

export const TERMINAL: readonly string[] = RunStatus.options.filter(isTerminalStatus);

export interface ObservationRecorder {
  record(scope: string, runId: string, look: RunObservation): Promise<void>;
}

/**
 * Writes down looks at runs that have an entry. A new status and an output are written at once; progress within one
 * status at most every 5 s, in between the newest is left to the next look. An ended run is written once.
 */
export function createLookRecorder({
  db,
  now,
  maxOutputBytes,
}: {
  db: LedgerDatabase;
  now: () => number;
  maxOutputBytes: number;
}): ObservationRecorder {
  const written = new Map<string, { status: string; hadOutput: boolean; atMs: number }>();

  function isDue(key: string, { run, output }: RunObservation): boolean {
    const last = written.get(key);
    if (last === undefined || last.status !== run.status) return true;
    if (output !== null && !last.hadOutput) return true;
    // A clock that was set back must not keep the progress of an hour from being written.
    return !isTerminalStatus(run.status) && Math.abs(now() - last.atMs) >= PROGRESS_INTERVAL_MS;
  }

  return {
    async record(scope, runId, look) {
      const key = `${scope}\n${runId}`;
      if (!isDue(key, look)) return;
      // Remembered before the write, so that looks in the meantime do not write the same.
      written.delete(key);
      written.set(key, {
        status: look.run.status,
        hadOutput: look.output !== null,
        atMs: now(),
      });
      for (const oldest of written.keys()) {
        if (written.size <= REMEMBERED_RUNS) break;
        written.delete(oldest);
      }
      let isWritten = false;
      try {
        isWritten = await writeLook(db, { scope, runId, look, maxOutputBytes, nowMs: now() });
      } finally {
        if (!isWritten) written.delete(key);
      }
    },
  };
}

/** False when the run has no entry. */
async function writeLook(
  db: LedgerDatabase,
  {
    scope,
    runId,
    look: { run, output, percent, messages },
    maxOutputBytes,
    nowMs,
  }: { scope: string; runId: string; look: RunObservation; maxOutputBytes: number; nowMs: number },
): Promise<boolean> {
  // Read first, without the lock: most looks at ended runs, and all at foreign ones, have nothing to write.
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
      // Asked again under the lock: terminal states never change, and what is older does not replace what is newer.
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
