import { expect, test } from "vitest";
import { openSqlite } from "../../src/database/open-database.ts";
import { ledgerMigrations } from "../../src/ledger/migrations.ts";
import type { LedgerSchema } from "../../src/ledger/schema.ts";
import { scopeIds } from "../../src/ledger/scope.ts";
import { NOON, account, draft, look, taskRun } from "./drafts.ts";
import { createTime, ledgerPath, openLedger, openStore, start } from "./open-store.ts";

test("spending counts every run that may be billed, and no run that failed or was cancelled", async () => {
  const time = createTime();
  const { store, ledger } = await openLedger({ now: time.now });
  const priced = (priceUsd: number | null) => draft("Who?", { priceUsd });
  const end = (runId: string, status: string) =>
    ledger.record(runId, look(taskRun(runId, { status, is_active: false })));

  expect(await ledger.spending()).toEqual({
    todayUsd: 0,
    totalUsd: 0,
    activeUsd: 0,
  });
  await start(ledger, "yesterday", priced(2.4));
  await end("yesterday", "completed");
  time.pass(12 * 3_600_000);
  await start(ledger, "completed", priced(0.1));
  await end("completed", "completed");
  await start(ledger, "failed", priced(0.3));
  await end("failed", "failed");
  await start(ledger, "cancelled", priced(0.6));
  await end("cancelled", "cancelled");
  await start(ledger, "queued", priced(0.005));
  await start(ledger, "waiting", priced(0.01));
  await end("waiting", "action_required");
  await start(ledger, "free", priced(null));
  await ledger.reserve([priced(0.2)]);
  await start(store.of({ ...account, principal: "alice" }), "hers", priced(1.2));

  expect(await ledger.spending()).toEqual({
    todayUsd: 0.315,
    totalUsd: 2.715,
    activeUsd: 0.015,
  });
});

test("a ledger of an older version keeps its total", async () => {
  const path = await ledgerPath();
  const older = Object.fromEntries(
    Object.entries(ledgerMigrations).filter(([name]) => name < "0003"),
  );
  const db = await openSqlite<LedgerSchema>(path, older);
  const entry = (run_id: string, status: string, price_micros: number | null) => ({
    ...scopeIds(account),
    run_id,
    status,
    price_micros,
    request_hash: "hash",
    question: "Who?",
    question_folded: "who?",
    processor: "base",
    is_active: 0,
    created_ms: NOON,
    written_ms: NOON,
  });
  await db
    .insertInto("entries")
    .values([
      entry("a", "completed", 20_000),
      entry("b", "failed", 10_000),
      entry("c", "completed", null),
    ])
    .execute();
  await db.destroy();

  const ledger = (await openStore({ path })).of(account);
  expect(await ledger.spending()).toMatchObject({ totalUsd: 0.02 });
  await start(ledger, "d", draft("Who else?", { priceUsd: 0.1 }));
  expect(await ledger.spending()).toMatchObject({ totalUsd: 0.12 });
});
