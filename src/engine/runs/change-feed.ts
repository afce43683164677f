import { sql } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../../database/open-database.ts";

/** Tells who waits for a run that its event log has grown, whichever process wrote it. */
export interface ChangeFeed {
  /** Calls `listener` after each change of the run; it may also be called without one. Returns the unsubscriber. */
  subscribe(runId: string, listener: () => void): () => void;
  /** Calls `listener` after each change of any run. */
  subscribeToAll(listener: () => void): () => void;
  /** This process has just committed a change of the run. */
  announce(runId: string): void;
  /** Stops looking for changes of other processes, and wakes everyone for the last time. */
  close(): void;
  /** Once true, the database is about to close: whoever waits must stop without asking it again. */
  readonly closed: boolean;
}

/**
 * How often the database is asked whether another process wrote to it. The question costs microseconds; 250 ms is soon
 * enough for progress, and well under the second that a cancel from another process may take.
 */
const POLL_INTERVAL_MS = 250;

/** Creates the feed of a database. Its timer does not keep the process alive. */
export async function createChangeFeed(db: Database, log: Logger): Promise<ChangeFeed> {
  const listenersByRun = new Map<string, Set<() => void>>();
  const listenersToAll = new Set<() => void>();
  let seenVersion = await readDataVersion(db);
  let lastEventId = await readLastEventId(db);
  let polling = false;
  let closed = false;

  function announce(runId: string): void {
    for (const listener of listenersByRun.get(runId) ?? []) listener();
    for (const listener of listenersToAll) listener();
  }

  async function poll(): Promise<void> {
    if (polling || closed) return;
    polling = true;
    try {
      const newestId = await readLastEventId(db);
      // Rises only with commits of other processes: our own changes were announced already.
      const version = await readDataVersion(db);
      if (version === seenVersion) {
        lastEventId = newestId;
        return;
      }
      const rows = await db
        .selectFrom("run_events")
        .select(["id", "run_id"])
        .where("id", ">", lastEventId)
        .orderBy("id")
        .execute();
      seenVersion = version;
      lastEventId = rows.at(-1)?.id ?? lastEventId;
      for (const runId of new Set(rows.map((row) => row.run_id))) announce(runId);
    } catch (error) {
      log.warn({ err: error }, "could not look for changes of other processes; trying again");
    } finally {
      polling = false;
    }
  }

  const timer = setInterval(() => void poll(), POLL_INTERVAL_MS);
  timer.unref();

  return {
    subscribe(runId, listener) {
      const listeners = listenersByRun.get(runId) ?? new Set();
      listenersByRun.set(runId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && listenersByRun.get(runId) === listeners) {
          listenersByRun.delete(runId);
        }
      };
    },
    subscribeToAll(listener) {
      listenersToAll.add(listener);
      return () => void listenersToAll.delete(listener);
    },
    announce,
    close() {
      closed = true;
      clearInterval(timer);
      for (const listeners of [...listenersByRun.values(), listenersToAll]) {
        for (const listener of listeners) listener();
      }
    },
    get closed() {
      return closed;
    },
  };
}

async function readDataVersion(db: Database): Promise<number> {
  const { rows } = await sql<{ data_version: number }>`PRAGMA data_version`.execute(db);
  return rows[0]?.data_version ?? 0;
}

async function readLastEventId(db: Database): Promise<number> {
  const row = await db
    .selectFrom("run_events")
    .select(({ fn }) => fn.max("id").as("id"))
    .executeTakeFirst();
  return row?.id ?? 0;
}
