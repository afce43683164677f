import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/database/open-database.ts";
import { formatTimestamp } from "../../src/runtime/clock.ts";
import { startRunRetention } from "../../src/engine/retention/start-retention.ts";
import { BudgetExceeded } from "../../src/engine/tenants/admission.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { call } from "./call-engine.ts";
import { silentLog, startTestEngine, temporaryFolder, textResult } from "./start-test-engine.ts";
import { openOutbox } from "./webhooks-receiver.ts";

const DAY_MS = 24 * 3_600_000;
const START_DELAY_MS = 30_000;
const HOUR_MS = 3_600_000;
const PAUSE_MS = 20;

/** A store under a clock that only the test moves, and its retention. */
async function openStore() {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const clock = createManualClock();
  const { db, runs, completeRun } = await openOutbox(databasePath, clock);

  function start(days: number | undefined) {
    const retention = startRunRetention({ expired: runs.expired, clock, days, log: silentLog });
    onTestFinished(() => retention.stop());
    return retention;
  }

  /** Lets the pauses pass until the next hour is waited for, for the `rounds`-th time. */
  async function finishRound(rounds = 1): Promise<void> {
    let pauses = countSleeps(PAUSE_MS);
    const isDone = () => countSleeps(HOUR_MS) === rounds;
    while (!isDone()) {
      await clock.until(() => isDone() || countSleeps(PAUSE_MS) > pauses);
      pauses = countSleeps(PAUSE_MS);
      if (!isDone()) clock.advance(PAUSE_MS);
    }
  }

  const countSleeps = (ms: number) => clock.sleeps.filter((slept) => slept === ms).length;

  /** Starts retention and lets it work once. */
  async function removeExpired(days: number | undefined): Promise<void> {
    start(days);
    clock.advance(START_DELAY_MS);
    await finishRound();
  }

  async function createGroup(): Promise<string> {
    const { length } = await db.selectFrom("task_groups").select("taskgroup_id").execute();
    const taskgroupId = `tgrp_${length}`;
    await db
      .insertInto("task_groups")
      .values({
        taskgroup_id: taskgroupId,
        tenant_id: "default",
        metadata: null,
        created_at: formatTimestamp(clock.now()),
      })
      .execute();
    return taskgroupId;
  }

  return {
    databasePath,
    db,
    clock,
    runs,
    completeRun,
    createGroup,
    start,
    finishRound,
    removeExpired,
    countSleeps,
  };
}

async function readRunIds(db: Database): Promise<string[]> {
  const rows = await db.selectFrom("runs").select("run_id").orderBy("created_at").execute();
  return rows.map((row) => row.run_id);
}

async function readPragma(db: Database, name: string): Promise<number> {
  const { rows } = await sql<Record<string, number>>`PRAGMA ${sql.raw(name)}`.execute(db);
  return rows[0]?.[name] ?? NaN;
}

const newRun = (taskgroupId: string | null = null) => ({
  input: { input: "?", processor: "base" },
  tenantId: "default",
  taskgroupId,
  executorKey: "later",
  warnings: [],
});

test("runs that ended too long ago go with their events and webhooks, and nothing else does", async () => {
  const { db, runs, clock, completeRun, removeExpired } = await openStore();
  const claim = { executorKey: "later", owner: "me", leaseMs: 1_000, limit: 1 };
  const old = await completeRun("https://receiver.example/hook");
  await db.updateTable("webhook_deliveries").set({ next_attempt_ms: null }).execute();
  const undelivered = await completeRun("https://receiver.example/hook");
  const [cancelled] = await runs.accept([newRun()]);
  await runs.cancel(cancelled?.runId ?? "");
  await runs.accept([newRun()]);
  const [waiting] = await runs.claim(claim);
  if (waiting !== undefined)
    await runs.requireAction(waiting, {
      untilMs: clock.now() + 90 * DAY_MS,
      warnings: [],
      takesAnswer: false,
    });
  await runs.accept([newRun()]);
  const [running] = await runs.claim(claim);
  await runs.accept([newRun()]);
  const [endsLate] = await runs.claim(claim);
  const [queued] = await runs.accept([newRun()]);

  clock.advance(20 * DAY_MS);
  const recent = await completeRun(undefined);
  const error = { ref_id: "ref", message: "too late", detail: null };
  if (endsLate !== undefined) await runs.finish(endsLate, { status: "failed", error });
  clock.advance(11 * DAY_MS);
  await removeExpired(30);

  const kept = [
    undelivered,
    waiting?.runId,
    running?.runId,
    endsLate?.runId,
    queued?.runId,
    recent,
  ];
  expect(new Set(await readRunIds(db))).toEqual(new Set(kept));
  const events = await db.selectFrom("run_events").select("run_id").distinct().execute();
  expect(new Set(events.map((event) => event.run_id))).toEqual(new Set(kept));
  const webhooks = await db.selectFrom("webhook_deliveries").select("run_id").execute();
  expect(webhooks).toEqual([{ run_id: undelivered }]);
  expect(kept).not.toContain(old);
});

test("a group goes when it is old and its last run is gone", async () => {
  const { db, runs, clock, completeRun, createGroup, removeExpired } = await openStore();
  const ended = await createGroup();
  await completeRun(undefined, ended);
  await createGroup();
  const active = await createGroup();
  await runs.accept([newRun(active)]);
  clock.advance(8 * DAY_MS);
  const young = await createGroup();
  await removeExpired(7);
  const groups = await db.selectFrom("task_groups").select("taskgroup_id").execute();
  expect(groups.map((group) => group.taskgroup_id)).toEqual([active, young]);
});

test("without a number of days runs and groups stay, and only expired idempotency keys go", async () => {
  const { db, clock, completeRun, createGroup, removeExpired } = await openStore();
  const keep = (key: string) =>
    db
      .insertInto("idempotency_keys")
      .values({
        tenant_id: "default",
        key,
        request_hash: "",
        answer_status: 202,
        answer_body: "{}",
        created_ms: clock.now(),
      })
      .execute();
  const runId = await completeRun(undefined);
  const taskgroupId = await createGroup();
  for (let n = 0; n < 250; n += 1) await keep(`expired ${n}`);
  clock.advance(DAY_MS);
  await keep("expires in a day");
  await removeExpired(undefined);
  expect(await db.selectFrom("idempotency_keys").select("key").execute()).toEqual([
    { key: "expires in a day" },
  ]);
  expect(await readRunIds(db)).toEqual([runId]);
  expect(await db.selectFrom("task_groups").select("taskgroup_id").execute()).toEqual([
    { taskgroup_id: taskgroupId },
  ]);
});

test("the work is done in batches, with room for others in between", async () => {
  const { db, runs, clock, start, countSleeps } = await openStore();
  const accepted = await runs.accept(Array.from({ length: 250 }, () => newRun()));
  for (const { runId } of accepted) await runs.cancel(runId);
  clock.advance(2 * DAY_MS);
  const retention = start(1);
  clock.advance(START_DELAY_MS);
  for (const [index, left] of [150, 50].entries()) {
    await clock.until(() => countSleeps(PAUSE_MS) === index + 1);
    expect(await readRunIds(db)).toHaveLength(left);
    if (index === 0) clock.advance(PAUSE_MS);
  }
  // Stopped in the middle, it does no more.
  await retention.stop();
  clock.advance(PAUSE_MS);
  expect(await readRunIds(db)).toHaveLength(50);
});

test("it starts half a minute after the engine, and works again every hour", async () => {
  const { db, clock, completeRun, start, finishRound } = await openStore();
  await completeRun(undefined);
  clock.advance(2 * DAY_MS);
  start(1);
  expect(clock.sleeps).toEqual([START_DELAY_MS]);
  expect(await readRunIds(db)).toHaveLength(1);
  clock.advance(START_DELAY_MS);
  await finishRound();
  expect(await readRunIds(db)).toEqual([]);

  await completeRun(undefined);
  clock.advance(2 * DAY_MS);
  await finishRound(2);
  expect(await readRunIds(db)).toEqual([]);
});

test("the file shrinks by what was removed", async () => {
  const { databasePath, db, clock, runs, removeExpired } = await openStore();
  const long = { ...newRun(), input: { input: "x".repeat(20_000), processor: "base" } };
  const accepted = await runs.accept(Array.from({ length: 300 }, () => long));
  for (const { runId } of accepted) await runs.cancel(runId);
  await sql`PRAGMA wal_checkpoint(PASSIVE)`.execute(db);
  const pagesBefore = await readPragma(db, "page_count");
  const { size: sizeBefore } = await stat(databasePath);
  expect(sizeBefore).toBeGreaterThan(6_000_000);

  clock.advance(2 * DAY_MS);
  await removeExpired(1);
  expect(await readPragma(db, "freelist_count")).toBe(0);
  expect(await readPragma(db, "page_count")).toBeLessThan(pagesBefore / 10);
  expect((await stat(databasePath)).size).toBeLessThan(sizeBefore / 10);
});

test("an engine with retention forgets old runs, and answers about them as about unknown ones", async () => {
  const clock = createManualClock();
  const engine = await startTestEngine(async () => textResult("the answer"), {
    clock,
    retentionDays: 1,
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", { input: "?", processor: "base" });
  await call(engine, `/v1/tasks/runs/${run.run_id}/result`);
  clock.advance(2 * DAY_MS);
  await clock.until(() => clock.sleeps.includes(PAUSE_MS));
  expect((await call(engine, `/v1/tasks/runs/${run.run_id}`)).status).toBe(404);
});

test("what removed runs cost still counts against the budget", async () => {
  const { db, runs, clock, completeRun, removeExpired } = await openStore();
  const tenant = { id: "default", budgetUsd: 0.015, createsPerMinute: null };
  const admit = () => runs.accept([{ ...newRun(), priceUsd: 0.01 }], { tenant });
  await completeRun(undefined);
  await expect(admit()).rejects.toThrow(BudgetExceeded);
  clock.advance(2 * DAY_MS);
  await removeExpired(1);
  expect(await readRunIds(db)).toEqual([]);
  await expect(admit()).rejects.toThrow(BudgetExceeded);
});
