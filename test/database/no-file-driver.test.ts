import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openEngine } from "../../src/commands/wiring/open-engine.ts";
import { readConfig } from "../../src/config.ts";
import { hasNodeSqlite } from "../../src/database/load-sqlite.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { silentLog, temporaryFolder } from "../engine/start-test-engine.ts";

// As in the desktop bundle, which brings no native module.
vi.mock("libsql", () => {
  throw new Error("Cannot find package 'libsql'");
});

/** A Node with an SQLite of its own needs neither. */
const testWithout = test.skipIf(hasNodeSqlite(process.versions.node));

testWithout("without a driver for files, a file is refused with what to install", async () => {
  const opening = openDatabase(join(await temporaryFolder(), "engine.sqlite"));
  await expect(opening).rejects.toThrow(/no SQLite of its own.*Install it, or use Node 22.13/);
});

testWithout("the ledger then works from memory and says why", async () => {
  const path = join(await temporaryFolder(), "ledger.sqlite");
  const store = await openLedgerStore({ path, now: Date.now, log: silentLog });
  expect(store.volatileReason).toMatch(/no SQLite of its own/);
  const ledger = store.of({ backend: "x", keyFingerprint: null, principal: null });
  const input = { input: "Why?", processor: "base" };
  const draft = { input, priceUsd: 1, idempotencyKey: "k" };
  await ledger.reserve([draft]);
  expect(await ledger.findByKey("k")).toMatchObject({ question: "Why?", status: "unknown" });
  await store.close();
});

testWithout("and so does the engine, with its full-text search", async () => {
  const { engine: config } = readConfig({}, {});
  const engine = await openEngine({ ...config, databasePath: ":memory:" }, { log: silentLog });
  try {
    const body = JSON.stringify({
      input: "What was the GDP of France in 2023?",
      processor: "base",
    });
    const headers = { "content-type": "application/json" };
    const url = "http://engine/v1/tasks/runs";
    const created = await engine.fetch(new Request(url, { method: "POST", headers, body }));
    const { run_id: runId } = z.object({ run_id: z.string() }).parse(await created.json());
    const result = await engine.fetch(new Request(`${url}/${runId}/result?timeout=20`));
    expect(JSON.stringify(await result.json())).toContain("$3.05 trillion");
  } finally {
    await engine.close();
  }
});
