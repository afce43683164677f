import { join } from "node:path";
import { expect, test } from "vitest";
import { openRunStore } from "./open-run-store.ts";
import { describeRunStore } from "./run-store-contract.ts";
import { temporaryFolder } from "./start-test-engine.ts";

describeRunStore("the run store on SQLite", async () => {
  const path = join(await temporaryFolder(), "engine.sqlite");
  return { open: async (clock) => (await openRunStore(path, clock)).runs };
});

test("a run that an older version accepted beside this one keeps its webhook", async () => {
  const { db, runs } = await openRunStore(join(await temporaryFolder(), "engine.sqlite"));
  const input = {
    input: "Who?",
    processor: "base",
    webhook: { url: "https://receiver.example/", event_types: ["task_run.status"] },
  };
  await db
    .insertInto("runs")
    .values({
      run_id: "trun_old",
      interaction_id: "trun_old",
      tenant_id: "t",
      price_usd: 0,
      status: "queued",
      processor: "base",
      executor_key: "test",
      input: JSON.stringify(input),
      created_at: "",
      modified_at: "",
    })
    .execute();
  await runs.cancel("trun_old");
  const due = await runs.deliveries.findDue({ nowMs: Date.now() + 1, except: [], limit: 10 });
  expect(due).toHaveLength(1);
});
