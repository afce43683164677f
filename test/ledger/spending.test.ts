import { expect, test } from "vitest";
import { account, draft, look, taskRun } from "./drafts.ts";
import { createTime, openLedger, start } from "./open-store.ts";

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
    unknownUsd: 0,
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
    unknownUsd: 0.2,
  });
});
