import { expect, onTestFinished, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { startLedgerRetention } from "../../src/ledger/retention.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { account, draft, look, taskRun, textOutput } from "./drafts.ts";
import { openFile, openLedger, openStore, reservedEntries, start } from "./open-store.ts";

const DAY_MS = 24 * 3_600_000;
const PAUSE_MS = 20;
const INTERVAL_MS = 6 * 3_600_000;

async function complete(ledger: Ledger, runId: string, content = "answer"): Promise<void> {
  await start(ledger, runId, draft(runId));
  const run = taskRun(runId, { status: "completed", is_active: false });
  await ledger.record(runId, look(run, { output: textOutput(content) }));
}

const listed = async (ledger: Ledger) =>
  (await ledger.list({ limit: 1_000 })).entries.map(({ question }) => question);

/** A ledger and its retention under a clock that only the test moves. */
async function openWithRetention() {
  const clock = createManualClock();
  const { path, ledger } = await openLedger({ now: clock.now, retentionDays: 10_000 });
  const db = await openFile(path);
  const count = (ms: number) => clock.sleeps.filter((slept) => slept === ms).length;

  function startRounds(limits: { retentionDays?: number; maxOutputBytes?: number }) {
    const retention = startLedgerRetention({
      db,
      now: clock.now,
      sleep: clock.sleep,
      retentionDays: 10_000,
      maxOutputBytes: 1_000_000,
      log: silentLog,
      ...limits,
    });
    onTestFinished(() => retention.stop());
    return retention;
  }

  /** Lets the pauses pass until the next round is waited for, for the `rounds`-th time. */
  async function finishRound(rounds = 1): Promise<void> {
    let pauses = 0;
    const isDone = () => count(INTERVAL_MS) === rounds;
    while (!isDone()) {
      await clock.until(() => isDone() || count(PAUSE_MS) > pauses);
      pauses = count(PAUSE_MS);
      if (!isDone()) clock.advance(PAUSE_MS);
    }
  }

  return { ledger, clock, startRounds, finishRound, pauses: () => count(PAUSE_MS) };
}

test("whatever was not written for the retention time goes, in batches; what it cost stays in the total", async () => {
  const { ledger, clock, startRounds, finishRound, pauses } = await openWithRetention();
  const old = Array.from({ length: 250 }, (_, index) => draft(`old ${index}`, { priceUsd: 0.01 }));
  await ledger.reserve(old);
  await complete(ledger, "old and completed");
  await start(ledger, "old and failed");
  const failed = taskRun("old and failed", { status: "failed", is_active: false });
  await ledger.record("old and failed", look(failed));
  await start(ledger, "looked at lately", draft("looked at lately"));
  await ledger.rememberGroup({ taskgroupId: "g", idempotencyKey: "k", fingerprint: "", size: 1 });
  clock.advance(80 * DAY_MS);
  const running = taskRun("looked at lately", { status: "running" });
  await ledger.record("looked at lately", look(running));
  await ledger.reserve([draft("new")]);
  clock.advance(20 * DAY_MS);

  const before = await ledger.spending();
  startRounds({ retentionDays: 90 });
  await finishRound();
  expect(pauses()).toBe(4);
  expect(await listed(ledger)).toEqual(["new", "looked at lately"]);
  expect(await ledger.readOutput("old and completed")).toBeNull();
  expect(await ledger.findGroupRequest("k")).toBeNull();
  expect(before.totalUsd).toBe(2.53);
  expect(await ledger.spending()).toEqual(before);
});

test("a group stays while it has runs", async () => {
  const { ledger, clock, startRounds, finishRound } = await openWithRetention();
  await ledger.rememberGroup({ taskgroupId: "g", idempotencyKey: "k", fingerprint: "", size: 1 });
  clock.advance(100 * DAY_MS);
  await ledger.reserve([draft("late addition", { taskgroupId: "g" })]);
  startRounds({ retentionDays: 90 });
  await finishRound();
  expect(await ledger.findGroupRequest("k")).not.toBeNull();
});

test("what was created today stays, however short the retention: it counts against the budget", async () => {
  const { ledger, clock, startRounds, finishRound } = await openWithRetention();
  await ledger.reserve([draft("yesterday")]);
  clock.advance(DAY_MS);
  await ledger.reserve([draft("today", { priceUsd: 1 })]);
  clock.advance(3_600_000);
  startRounds({ retentionDays: 0 });
  await finishRound();
  expect(await listed(ledger)).toEqual(["today"]);
  expect(await ledger.reserve([draft("more")], { budgetUsdPerDay: 1 })).toMatchObject({
    kind: "over_budget",
  });
});

test("it looks again every six hours, until it is stopped", async () => {
  const { ledger, clock, startRounds, finishRound } = await openWithRetention();
  const retention = startRounds({ retentionDays: 90 });
  await finishRound();
  await ledger.reserve([draft("soon old")]);
  clock.advance(90 * DAY_MS + INTERVAL_MS);
  await finishRound(2);
  expect(await listed(ledger)).toEqual([]);
  await retention.stop();
  expect(clock.sleepers).toBe(0);
});

test("ids of removed entries are not used again", async () => {
  const { ledger, clock, startRounds, finishRound } = await openWithRetention();
  await ledger.reserve([draft("a"), draft("b")]);
  clock.advance(100 * DAY_MS);
  startRounds({ retentionDays: 90 });
  await finishRound();
  const [entry] = reservedEntries(await ledger.reserve([draft("c")]));
  expect(entry?.entryId).toBe(3);
});

test("the outputs that were kept first make room for new ones; their entries stay", async () => {
  const { ledger } = await openLedger({ maxOutputBytes: 3_000 });
  for (const runId of ["run_1", "run_2", "run_3", "run_4"]) {
    await complete(ledger, runId, "x".repeat(900));
  }
  expect(await ledger.find("run_1")).toMatchObject({ status: "completed" });
  expect(await ledger.readOutput("run_1")).toBeNull();
  for (const runId of ["run_2", "run_3", "run_4"]) {
    expect(await ledger.readOutput(runId)).toEqual(textOutput("x".repeat(900)));
  }
  await complete(ledger, "larger than all", "x".repeat(3_000));
  expect(await ledger.find("larger than all")).toMatchObject({ status: "completed" });
  expect(await ledger.readOutput("larger than all")).toBeNull();
  expect(await ledger.readOutput("run_2")).not.toBeNull();
});

test("a single output over 8 MiB is not kept, one just under it is", async () => {
  const { ledger } = await openLedger();
  const limit = 8 * 1024 * 1024;
  await complete(ledger, "too large", "x".repeat(limit));
  expect(await ledger.readOutput("too large")).toBeNull();
  const frame = JSON.stringify(textOutput("")).length;
  await complete(ledger, "just fits", "x".repeat(limit - frame));
  expect(await ledger.readOutput("just fits")).not.toBeNull();
});

test("a limit on outputs that was lowered is enforced in the next round", async () => {
  const { ledger, startRounds, finishRound } = await openWithRetention();
  for (let index = 0; index < 30; index++) await complete(ledger, `run_${index}`, "x".repeat(900));
  startRounds({ maxOutputBytes: 2_000 });
  await finishRound();
  const { entries } = await ledger.list({ limit: 100 });
  expect(entries).toHaveLength(30);
  const kept = [];
  for (const { runId } of entries) {
    if (runId !== null && (await ledger.readOutput(runId)) !== null) kept.push(runId);
  }
  expect(kept).toEqual(["run_29", "run_28"]);
});

test("a store that is opened removes what is too old by itself", async () => {
  const { path, store, ledger } = await openLedger({ now: () => 0 });
  await ledger.reserve([draft("old")]);
  await store.close();
  const later = await openStore({ path, now: () => 91 * DAY_MS });
  await expect.poll(() => listed(later.of(account))).toEqual([]);
});
