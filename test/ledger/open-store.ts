import { join } from "node:path";
import { openSqlite } from "../../src/database/open-database.ts";
import type { LedgerEntry, Reservation } from "../../src/ledger/ledger.ts";
import { ledgerMigrations } from "../../src/ledger/migrations.ts";
import {
  type LedgerStore,
  type LedgerStoreOptions,
  openLedgerStore,
} from "../../src/ledger/open-ledger-store.ts";
import type { LedgerDatabase, LedgerSchema } from "../../src/ledger/schema.ts";
import { silentLog, temporaryFolder } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";
import { NOON, account, draft, taskRun } from "./drafts.ts";

/** A time that only the test moves. */
export function createTime(startAt = NOON) {
  let nowMs = startAt;
  return {
    now: () => nowMs,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

export async function ledgerPath(): Promise<string> {
  return join(await temporaryFolder(), "ledger.sqlite");
}

/** The real store on the file given; closed when the test ends. */
export async function openStore(
  options: Partial<LedgerStoreOptions> & { path: string },
): Promise<LedgerStore> {
  const store = await openLedgerStore({ now: () => NOON, log: silentLog, ...options });
  onFinished(() => store.close());
  return store;
}

/** A ledger on a file of its own. */
export async function openLedger(options: Partial<LedgerStoreOptions> = {}) {
  const path = options.path ?? (await ledgerPath());
  const store = await openStore({ ...options, path });
  return { path, store, ledger: store.of(account) };
}

/** Another connection to the file, to look at it or to harm it. */
export async function openFile(path: string): Promise<LedgerDatabase> {
  const db = await openSqlite<LedgerSchema>(path, ledgerMigrations);
  onFinished(() => db.destroy());
  return db;
}

export function reservedEntries(reservation: Reservation): LedgerEntry[] {
  if (reservation.kind !== "reserved") throw new Error(`not reserved: ${reservation.kind}`);
  return reservation.entries.map(({ entry }) => entry);
}

/** Reserves one run and notes that the backend accepted it. */
export async function start(
  ledger: ReturnType<LedgerStore["of"]>,
  runId: string,
  runDraft = draft(`What about ${runId}?`),
): Promise<void> {
  const [entry] = reservedEntries(await ledger.reserve([runDraft]));
  if (entry === undefined) throw new Error("nothing reserved");
  await ledger.accept([{ entryId: entry.entryId, run: taskRun(runId) }]);
}
