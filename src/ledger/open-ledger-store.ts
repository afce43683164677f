import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { DatabaseUnusable, openSqlite } from "../database/open-database.ts";
import { createProcessOwner } from "../database/process-owner.ts";
import { createLedger, createNoteTaker } from "./create-ledger.ts";
import type { Ledger } from "./ledger.ts";
import { ledgerMigrations } from "./migrations.ts";
import { createObservationRecorder } from "./record-observation.ts";
import { startLedgerRetention } from "./retention.ts";
import type { LedgerDatabase, LedgerSchema } from "./schema.ts";
import { type LedgerScope, scopeIds } from "./scope.ts";

export interface LedgerStore {
  of(scope: LedgerScope): Ledger;
  /** Why the entries are lost when this process ends; null when they are stored on disk. */
  readonly volatileReason: string | null;
  /** Writes what is under way and closes the file. */
  close(): Promise<void>;
}

export interface LedgerStoreOptions {
  /** The SQLite file, shared with other processes; `:memory:` keeps everything in this process. */
  path: string;
  /** Epoch milliseconds. */
  now: () => number;
  log: Logger;
  /** At least 0. */
  retentionDays?: number;
  /** The most bytes that all outputs together may take. */
  maxOutputBytes?: number;
}

/** A quarter: long enough to come back to last month's research. */
const RETENTION_DAYS = 90;
/** Some ten thousand usual outputs, and little on any disk of today. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** Memory costs more than disk, and its content ends with the process anyway. */
const MAX_OUTPUT_BYTES_IN_MEMORY = 32 * 1024 * 1024;

const IN_MEMORY = ":memory:";

/**
 * Opens the ledger's file (created with its folder when missing). A file that cannot be used is replaced by memory, with
 * a warning in the log and the reason in `volatileReason`: runs must be possible without it. Throws `DatabaseUnusable`
 * when memory cannot be used either, which means that this Node has no SQLite at all.
 */
export async function openLedgerStore(options: LedgerStoreOptions): Promise<LedgerStore> {
  const { log, retentionDays = RETENTION_DAYS } = options;
  const { db, volatileReason } = await openOrFallBack(options.path, log);
  const now = () => Math.floor(options.now());
  const limit = options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
  const maxOutputBytes =
    volatileReason === null ? limit : Math.min(limit, MAX_OUTPUT_BYTES_IN_MEMORY);
  const recorder = createObservationRecorder({ db, now, maxOutputBytes });
  const notes = createNoteTaker(log);
  const sender = createProcessOwner();
  const retention = startLedgerRetention({ db, now, sleep, retentionDays, maxOutputBytes, log });
  return {
    of: (scope) =>
      createLedger({ db, recorder, notes, now, maxOutputBytes, sender }, scopeIds(scope)),
    volatileReason,
    async close() {
      await retention.stop();
      await notes.settle();
      await db.destroy();
    },
  };
}

async function openOrFallBack(
  path: string,
  log: Logger,
): Promise<{ db: LedgerDatabase; volatileReason: string | null }> {
  const open = (where: string) => openSqlite<LedgerSchema>(where, ledgerMigrations);
  if (path === IN_MEMORY) {
    return { db: await open(path), volatileReason: "The ledger was asked to stay in memory." };
  }
  try {
    return { db: await open(path), volatileReason: null };
  } catch (error) {
    if (!(error instanceof DatabaseUnusable)) throw error;
    const db = await open(IN_MEMORY);
    log.warn({ reason: error.message }, "the ledger is kept in memory: its file cannot be used");
    return { db, volatileReason: error.message };
  }
}

/** Does not keep the process alive. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal, ref: false });
}
