import { join } from "node:path";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { type Database, openDatabase } from "../../src/database/open-database.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Attempt, ExecutionResult } from "../../src/engine/executors/executor.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { readEvents } from "../../src/engine/runs/sqlite/event-log.ts";
import { call } from "./call-engine.ts";
import { expectRunInvariants } from "./run-invariants.ts";
import {
  deferred,
  executorOf,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "./start-test-engine.ts";
import { createTestLog } from "./webhooks-receiver.ts";

const RETRIED = "could not record how the run ended; trying again";

/** An engine with one run under way, and a database that a test can keep from growing: SQLite says it is full then. */
async function startRun(execute: (attempt: Attempt) => Promise<ExecutionResult>) {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const log = createTestLog();
  const started = deferred();
  let own: Database | undefined;
  const engine = await startTestEngine(() => Promise.reject(new Error("not used")), {
    databasePath,
    log: log.log,
    createExecutor: ({ db }) => {
      own = db;
      return executorOf((attempt) => {
        started.resolve();
        return execute(attempt);
      });
    },
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", { input: "q", processor: "pro" });
  await started.promise;
  const runId: string = run.run_id;

  /** The limit holds for one connection: it must be the engine's own, which a transaction gets. */
  async function limitPages(pages: number): Promise<void> {
    await own?.transaction().execute(async (trx) => {
      const limit = sql.lit(pages);
      const { rows } = await sql<{
        max_page_count: number;
      }>`PRAGMA max_page_count = ${limit}`.execute(trx);
      expect(rows[0]?.max_page_count).toBeGreaterThanOrEqual(pages);
    });
  }

  return {
    engine,
    databasePath,
    log,
    runId,
    status: async () => (await call(engine, `/v1/tasks/runs/${runId}`)).body.status,
    result: () => call(engine, `/v1/tasks/runs/${runId}/result?timeout=20`),
    /** Less than what is used is what is used. */
    fillDisk: () => limitPages(1),
    makeRoom: () => limitPages(1_000_000),
  };
}

test("a run that ends while the disk is full is recorded as soon as there is room, with all its steps", async () => {
  const proceed = deferred();
  const answer = "the answer ".repeat(100_000);
  const run = await startRun(async ({ report }) => {
    const say = (message: string) => report({ type: "task_run.progress_msg.plan", message });
    await say("before");
    await proceed.promise;
    // More than what is left of the pages in use.
    for (let step = 0; step < 20; step++) await say(`step ${step} ${"x".repeat(2_000)}`);
    return textResult(answer);
  });
  await run.fillDisk();
  proceed.resolve();
  await run.log.until(RETRIED, 2);
  expect(await run.status()).toBe("running");
  await run.makeRoom();
  const { status, body } = await run.result();
  expect(status).toBe(200);
  expect(body.output.content).toBe(answer);

  const db = await openDatabase(run.databasePath);
  const events = await readEvents(db, run.runId, 0);
  const messages = events.flatMap((event) =>
    event.kind === "progress" && "message" in event.event ? [event.event.message] : [],
  );
  expect(messages.map((message) => String(message).trim().slice(0, 7).trim())).toEqual([
    "before",
    ...Array.from({ length: 20 }, (_, step) => `step ${step}`),
  ]);
  await expectRunInvariants(db, 1);
  await db.destroy();
});

test("so is a failure, once, under the ref_id that the log has", async () => {
  const proceed = deferred();
  const run = await startRun(async () => {
    await proceed.promise;
    throw new ExecutionFailed(`no source answers this ${"x".repeat(100_000)}`);
  });
  await run.fillDisk();
  proceed.resolve();
  await run.log.until(RETRIED);
  await run.makeRoom();
  expect((await run.result()).status).toBe(404);
  const { body } = await call(run.engine, `/v1/tasks/runs/${run.runId}`);
  expect(body).toMatchObject({ status: "failed" });
  expect(body.error.message).toContain("no source answers this");
  const told = run.log.lines
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === "run failed");
  expect(told).toMatchObject([{ ref_id: body.error.ref_id }]);
});

test("an engine that is told to stop does not wait for room", async () => {
  const proceed = deferred();
  const run = await startRun(async () => {
    await proceed.promise;
    return textResult("the answer ".repeat(100_000));
  });
  await run.fillDisk();
  proceed.resolve();
  await run.log.until(RETRIED);
  await run.engine.close();
  await run.log.until("could not record how the run ended");
  const db = await openDatabase(run.databasePath);
  // Nothing is made up: whoever has room takes it over.
  expect(await db.selectFrom("runs").select("status").execute()).toEqual([{ status: "running" }]);
  await db.destroy();
});

/** Creates small runs until one is refused: then no page has room for another. */
async function createUntilFull({ engine }: { engine: Engine }) {
  const accepted: string[] = [];
  for (;;) {
    const answer = await call(engine, "/v1/tasks/runs", { input: "q", processor: "pro" });
    if (answer.status !== 202) return { accepted, refused: answer };
    accepted.push(answer.body.run_id);
  }
}

test("a create that finds the disk full is a 503 whose ref_id the log has with what to do; what was accepted is performed", async () => {
  const proceed = deferred();
  const run = await startRun(async ({ signal }) => {
    await Promise.race([proceed.promise, untilAborted(signal)]);
    return textResult("done");
  });
  await run.fillDisk();
  const { accepted, refused } = await createUntilFull(run);

  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(refused.body).toMatchObject({ type: "error" });
  const { ref_id, message } = refused.body.error;
  expect(message).toMatch(/disk .* is full, so nothing was written. Make room/);
  const told = run.log.lines.map((line) => JSON.parse(line)).filter((line) => line.ref_id);
  expect(told).toMatchObject([{ ref_id, msg: "request failed", err: { type: "DatabaseFull" } }]);
  expect(told[0].err.message).toContain("Make room");

  // Reads go on, and tell nothing of what was refused.
  expect(await run.status()).toBe("running");
  expect((await call(run.engine, "/healthz")).status).toBe(200);
  const { body: list } = await call(run.engine, "/v1/tasks/runs?limit=100");
  const listed = list.runs.map((listedRun: { run_id: string }) => listedRun.run_id).toSorted();
  expect(listed).toEqual([run.runId, ...accepted].toSorted());

  await run.makeRoom();
  expect((await call(run.engine, "/v1/tasks/runs", { input: "q", processor: "base" })).status).toBe(
    202,
  );
  proceed.resolve();
  for (const runId of [run.runId, ...accepted]) {
    const { status, body } = await call(run.engine, `/v1/tasks/runs/${runId}/result?timeout=20`);
    expect({ status, content: body.output?.content }).toEqual({ status: 200, content: "done" });
  }
  const db = await openDatabase(run.databasePath);
  await expectRunInvariants(db, 1);
  await db.destroy();
});

test("adding runs to a group is all or nothing then, and the same Idempotency-Key adds them once there is room", async () => {
  const run = await startRun(({ signal }) => untilAborted(signal));
  const { body: group } = await call(run.engine, "/v1/tasks/groups", {});
  const groupPath = `/v1/tasks/groups/${group.taskgroup_id}`;
  const inputs = Array.from({ length: 200 }, () => ({ input: "q".repeat(500), processor: "base" }));
  const add = () => call(run.engine, `${groupPath}/runs`, { inputs }, { "idempotency-key": "k" });

  await run.fillDisk();
  expect((await add()).status).toBe(503);
  expect((await call(run.engine, groupPath)).body.status.num_task_runs).toBe(0);
  await run.makeRoom();
  const added = await add();
  expect(added.status).toBe(200);
  expect((await add()).body).toEqual(added.body);
  expect((await call(run.engine, groupPath)).body.status.num_task_runs).toBe(inputs.length);
});

test("so is cancelling a group", async () => {
  const run = await startRun(({ signal }) => untilAborted(signal));
  const { body: group } = await call(run.engine, "/v1/tasks/groups", {});
  const groupPath = `/v1/tasks/groups/${group.taskgroup_id}`;
  // Their events alone take several pages.
  const inputs = Array.from({ length: 200 }, () => ({ input: "q", processor: "base" }));
  const { body: added } = await call(run.engine, `${groupPath}/runs`, { inputs });
  const counts = async () => (await call(run.engine, groupPath)).body.status.task_run_status_counts;

  await run.fillDisk();
  expect((await call(run.engine, `${groupPath}/cancel`, {})).status).toBe(503);
  expect(Object.keys(await counts()).filter((status) => status.startsWith("cancel"))).toEqual([]);
  await run.makeRoom();
  expect((await call(run.engine, `${groupPath}/cancel`, {})).status).toBe(200);
  for (const runId of added.run_ids) {
    await call(run.engine, `/v1/tasks/runs/${runId}/result?timeout=20`);
  }
  expect(await counts()).toEqual({ cancelled: inputs.length });
  const db = await openDatabase(run.databasePath);
  await expectRunInvariants(db, 1);
  await db.destroy();
});
