import { sql } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../../../database/open-database.ts";
import type { RunStatus } from "../../../task-api/run.ts";
import type { ChangeListeners } from "../change-feed.ts";
import { STATE_TYPE, readLastEventId, readStateBody } from "./event-log.ts";

/**
 * How often to check whether another process wrote to the database. A check takes microseconds. 250 ms is soon enough
 * for progress, and well under the second that a cancel from another process may take.
 */
const POLL_INTERVAL_MS = 250;

/** Announces the changes of other processes. The timer does not keep the process alive. Returns what stops it. */
export async function pollChanges(
  db: Database,
  listeners: Pick<ChangeListeners, "announce">,
  log: Logger,
): Promise<() => void> {
  let seenVersion = await readDataVersion(db);
  let lastEventId = await readLastEventId(db);
  let isPolling = false;
  let isStopped = false;

  async function poll(): Promise<void> {
    if (isPolling || isStopped) return;
    isPolling = true;
    try {
      const newestId = await readLastEventId(db);
      // Rises only with commits of other processes: this one announces its own changes when it commits them.
      const version = await readDataVersion(db);
      if (version === seenVersion) {
        lastEventId = newestId;
        return;
      }
      const events = await readEventsAfter(db, lastEventId);
      seenVersion = version;
      lastEventId = events.at(-1)?.id ?? lastEventId;
      const statuses = new Map<string, RunStatus | null>();
      for (const { runId, status } of events) {
        statuses.set(runId, status ?? statuses.get(runId) ?? null);
      }
      for (const [runId, status] of statuses) listeners.announce({ runId, status });
    } catch (error) {
      log.warn({ err: error }, "could not look for changes of other processes; trying again");
    } finally {
      isPolling = false;
    }
  }

  const timer = setInterval(() => void poll(), POLL_INTERVAL_MS);
  timer.unref();
  return () => {
    isStopped = true;
    clearInterval(timer);
  };
}

async function readEventsAfter(
  db: Database,
  eventId: number,
): Promise<{ id: number; runId: string; status: RunStatus | null }[]> {
  const rows = await db
    .selectFrom("run_events")
    .select(({ eb, ref }) => [
      "id",
      "run_id",
      // The body of progress can be long, and is not needed here.
      eb.case().when("type", "=", STATE_TYPE).then(ref("body")).end().as("state"),
    ])
    .where("id", ">", eventId)
    .orderBy("id")
    .execute();
  return rows.map(({ id, run_id: runId, state }) => ({
    id,
    runId,
    status: state === null ? null : readStateBody(state),
  }));
}

/** Counts the commits of other processes. */
async function readDataVersion(db: Database): Promise<number> {
  const { rows } = await sql<{ data_version: number }>`PRAGMA data_version`.execute(db);
  return rows[0]?.data_version ?? 0;
}
