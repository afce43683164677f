import type { Transaction } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { DatabaseSchema } from "../../../database/schema.ts";
import type { RunStatus } from "../../../task-api/run.ts";
import { type Clock, formatTimestamp } from "../../../runtime/clock.ts";
import type { ChangeListeners, RunChange } from "../change-feed.ts";

/**
 * A transaction that changes runs. It holds SQLite's only write lock from its first statement on, so what it reads
 * stays true until it is committed: counting and then inserting, or taking the next number, needs no lock of its own.
 */
export interface Write {
  trx: Transaction<DatabaseSchema>;
  nowMs: number;
  /** `nowMs` as the rows have it. */
  at: string;
  /** Notifies the change feed about these runs once the transaction is committed. */
  announce(runIds: readonly string[], status: RunStatus | null): void;
}

/** Performs `work` in one transaction, durable when this resolves. */
export type Commit = <Result>(work: (write: Write) => Promise<Result>) => Promise<Result>;

export function createCommit(db: Database, clock: Clock, listeners: ChangeListeners): Commit {
  return async function commit(work) {
    const changes: RunChange[] = [];
    const result = await db.transaction().execute((trx) => {
      const nowMs = clock.now();
      return work({
        trx,
        nowMs,
        at: formatTimestamp(nowMs),
        announce(runIds, status) {
          for (const runId of runIds) changes.push({ runId, status });
        },
      });
    });
    for (const change of changes) listeners.announce(change);
    return result;
  };
}
