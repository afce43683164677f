import { expect, test, vi } from "vitest";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { NOON } from "./drafts.ts";
import { ledgerPath } from "./open-store.ts";

// A Node without SQLite cannot be had on demand.
vi.mock("../../src/database/load-sqlite.ts", () => ({
  loadSqliteDriver: () => Promise.reject(new Error("Cannot find package 'libsql' imported from x")),
}));

test("without any SQLite, opening fails and says what to install", async () => {
  const opening = openLedgerStore({
    path: await ledgerPath(),
    now: () => NOON,
    log: silentLog,
  });
  await expect(opening).rejects.toThrow(/no SQLite of its own.*Install it, or use Node 22/);
});
