import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { call } from "./call-engine.ts";
import { openRunStore } from "./open-run-store.ts";
import { endedOwner } from "../database/ended-owner.ts";
import {
  clockAt,
  deferred,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "./start-test-engine.ts";

const input: RunInput = { input: "What was the GDP of France in 2023?", processor: "base" };

/** The run store alone, on a database that a test shares with engines. */
async function openRuns(databasePath: string, now: () => number = systemClock.now) {
  const { runs } = await openRunStore(databasePath, clockAt(now));
  /** Accepts one run for the workers of `executorKey`. */
  const create = async (executorKey: string) => {
    const [run] = await runs.accept([
      { input, tenantId: "default", taskgroupId: null, executorKey, warnings: [] },
    ]);
    return run?.runId ?? "";
  };
  return { runs, create };
}

async function createRun(engine: Engine): Promise<string> {
  return (await call(engine, "/v1/tasks/runs", input)).body.run_id;
}

async function waitForStatus(engine: Engine, runId: string): Promise<string> {
  await call(engine, `/v1/tasks/runs/${runId}/result?timeout=20`);
  return (await call(engine, `/v1/tasks/runs/${runId}`)).body.status;
}

test("a run whose process was killed is taken over and completed", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const { runs, create } = await openRuns(databasePath);
  const runId = await create("test");
  const claim = { executorKey: "test", owner: endedOwner(), leaseMs: 3_600_000, limit: 1 };
  const [lost] = await runs.claim(claim);
  expect(lost).toMatchObject({ runId, attempt: 1 });

  const engine = await startTestEngine(async () => textResult("second attempt"), { databasePath });
  expect(await waitForStatus(engine, runId)).toBe("completed");
  expect(await runs.find(runId)).toMatchObject({ attempt: 2 });
  const states = (await runs.readEvents(runId, 0)).map((event) =>
    event.kind === "state" ? event.status : event.kind,
  );
  expect(states).toEqual(["queued", "running", "queued", "running", "completed"]);
});

test("a run whose lease expired is queued again, until its attempts are used up", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  let now = 1_000_000;
  const { runs, create } = await openRuns(databasePath, () => now);
  const runId = await create("test");
  const recovery = { maxAttempts: 2, ownerIsGone: () => false, refId: () => "ref" };
  const claim = { executorKey: "test", owner: "elsewhere", leaseMs: 30_000, limit: 1 };
  const [first] = await runs.claim(claim);
  expect(await runs.recover(recovery)).toBe(0);
  now += 30_001;
  expect(await runs.recover(recovery)).toBe(1);
  expect(await runs.find(runId)).toMatchObject({ status: "queued" });

  expect(first && (await runs.finish(first, { status: "completed", ...textResult("late") }))).toBe(
    false,
  );
  expect(first && (await runs.appendProgress(first, [{ type: "task_run.progress_stats" }]))).toBe(
    false,
  );

  await runs.claim(claim);
  now += 30_001;
  await runs.recover(recovery);
  expect(await runs.find(runId)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("lost 2 times") },
  });
});

test("a cancelled run whose worker is gone ends as cancelled", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  let now = 1_000_000;
  const { runs, create } = await openRuns(databasePath, () => now);
  const runId = await create("test");
  await runs.claim({ executorKey: "test", owner: "elsewhere", leaseMs: 30_000, limit: 1 });
  await runs.cancel(runId);
  expect(await runs.find(runId)).toMatchObject({ status: "cancelling" });
  now += 30_001;
  await runs.recover({ maxAttempts: 2, ownerIsGone: () => false, refId: () => "ref" });
  expect(await runs.find(runId)).toMatchObject({ status: "cancelled" });
});

test("a run whose answer from outside does not come in time fails", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  let now = 1_000_000;
  const { runs, create } = await openRuns(databasePath, () => now);
  const runId = await create("test");
  const [lease] = await runs.claim({
    executorKey: "test",
    owner: "elsewhere",
    leaseMs: 30_000,
    limit: 1,
  });
  expect(
    lease &&
      (await runs.requireAction(lease, {
        untilMs: now + 60_000,
        warnings: [],
        takesAnswer: false,
      })),
  ).toBe(true);
  expect(await runs.failUnanswered(() => "ref")).toBe(0);
  now += 60_001;
  expect(await runs.failUnanswered(() => "ref")).toBe(1);
  expect(await runs.find(runId)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("in time") },
  });
});

test("an engine that closes gives its runs back, and the next one completes them", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const started = deferred();
  const closing = await startTestEngine(
    async ({ signal }) => {
      started.resolve();
      return untilAborted(signal);
    },
    { databasePath },
  );
  const runId = await createRun(closing);
  await started.promise;
  await closing.close();

  const next = await startTestEngine(async () => textResult("done"), { databasePath });
  expect(await waitForStatus(next, runId)).toBe("completed");
  const { runs } = await openRuns(databasePath);
  expect(await runs.find(runId)).toMatchObject({ attempt: 1 });
});

test("an engine that closes answers those who wait, and refuses who comes later", async () => {
  const started = deferred();
  const engine = await startTestEngine(async ({ signal }) => {
    started.resolve();
    return untilAborted(signal);
  });
  const runId = await createRun(engine);
  await started.promise;
  const waiting = call(engine, `/v1/tasks/runs/${runId}/result?timeout=60`);
  await engine.close();
  expect((await waiting).status).toBe(408);
  expect((await call(engine, `/v1/tasks/runs/${runId}`)).status).toBe(503);
});

test("two engines on one database perform each of 200 runs exactly once", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const performed: string[] = [];
  const execute = async ({ runId }: { runId: string }) => {
    performed.push(runId);
    return textResult("done");
  };
  const engines = [
    await startTestEngine(execute, { databasePath }),
    await startTestEngine(execute, { databasePath }),
  ];
  const created = await Promise.all(
    Array.from({ length: 100 }, () => engines.map((engine) => createRun(engine))).flat(),
  );
  for (const [index, runId] of created.entries()) {
    const engine = engines[index % 2];
    expect(engine && (await waitForStatus(engine, runId))).toBe("completed");
  }
  expect(performed.toSorted()).toEqual(created.toSorted());
});

test("a cancel through one engine stops the work of another", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const started = deferred();
  const working = await startTestEngine(
    async ({ signal }) => {
      started.resolve();
      return untilAborted(signal);
    },
    { databasePath },
  );
  const runId = await createRun(working);
  await started.promise;
  const other = await startTestEngine(async () => textResult("never"), { databasePath });
  await call(other, `/v1/tasks/runs/${runId}/cancel`, {});
  expect(await waitForStatus(other, runId)).toBe("cancelled");
});

test("a run waits for a worker with the executor it was created for", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const { runs, create } = await openRuns(databasePath);
  const runId = await create("extractive:/other/documents");
  const engine = await startTestEngine(async () => textResult("mine"), { databasePath });
  const own = await createRun(engine);
  expect(await waitForStatus(engine, own)).toBe("completed");
  expect(await runs.find(runId)).toMatchObject({ status: "queued" });
});
