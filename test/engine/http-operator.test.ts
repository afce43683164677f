import { expect, test } from "vitest";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import { call } from "./call-engine.ts";
import { listen } from "./raw-http.ts";
import { readEvents } from "./read-event-stream.ts";
import { join } from "node:path";
import type { Engine } from "../../src/engine/engine.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import {
  deferred,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "./start-test-engine.ts";

const question = { input: "q", processor: "base" };

async function readMetrics(engine: Engine): Promise<string> {
  const answer = await engine.fetch(new Request("http://engine/metrics"));
  expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  return answer.text();
}

/** The value of one line. */
function valueOf(metrics: string, series: string): number | undefined {
  const line = metrics.split("\n").find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test("the operator's endpoints need no key", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), {
    tenants: singleTenant("secret"),
  });
  const { url } = await listen(engine);
  for (const path of ["/healthz", "/metrics", "/openapi.json"]) {
    expect((await fetch(url + path)).status).toBe(200);
  }
  expect((await fetch(`${url}/v1/tasks/runs`)).status).toBe(401);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
});

test("an engine whose database does not answer says so", async () => {
  let closeDatabase = async () => {};
  const engine = await startTestEngine(async () => textResult("ok"), {
    createExecutor: ({ db }) => {
      closeDatabase = () => db.destroy();
      return { key: "test", execute: async () => textResult("ok") };
    },
  });
  expect((await call(engine, "/healthz")).status).toBe(200);
  await closeDatabase();
  const answer = await call(engine, "/healthz");
  expect(answer.status).toBe(503);
  expect(answer.body.error.message).toContain("database does not answer");
});

test("runs are counted by status, for every process that shares the database", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      if (input.input === "stay") return untilAborted(signal);
      if (input.input === "fail") throw new ExecutionFailed("no");
      return textResult("ok");
    },
    { databasePath, concurrency: 2 },
  );
  const other = await startTestEngine(async () => textResult("never"), {
    databasePath,
    createExecutor: () => ({ key: "another", execute: async () => textResult("never") }),
  });
  const create = async (input: string) => {
    const { body } = await call(engine, "/v1/tasks/runs", { ...question, input });
    return body.run_id;
  };
  const ended = [await create("fail"), await create("answer")];
  for (const runId of ended) await call(engine, `/v1/tasks/runs/${runId}/result?timeout=10`);
  for (let i = 0; i < 3; i++) await create("stay");
  await expect
    .poll(async () => valueOf(await readMetrics(engine), 'task_runs{status="running"}'))
    .toBe(2);
  const metrics = await readMetrics(other);
  expect(valueOf(metrics, 'task_runs{status="completed"}')).toBe(1);
  expect(valueOf(metrics, 'task_runs{status="failed"}')).toBe(1);
  expect(valueOf(metrics, 'task_runs{status="queued"}')).toBe(1);
  expect(valueOf(metrics, 'task_runs{status="cancelled"}')).toBe(0);
  expect(valueOf(metrics, "task_run_oldest_queued_seconds")).toBeGreaterThan(0);
});

test("the age of the oldest queued run is 0 when none is queued", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  expect(valueOf(await readMetrics(engine), "task_run_oldest_queued_seconds")).toBe(0);
});

test("executions are timed by processor and outcome", async () => {
  const started = deferred();
  const engine = await startTestEngine(async ({ input, signal }) => {
    if (input.input === "fail") throw new ExecutionFailed("no");
    if (input.input !== "stop") return textResult("ok");
    started.resolve();
    return untilAborted(signal);
  });
  for (const input of ["answer", "fail", "stop"]) {
    const { body: run } = await call(engine, "/v1/tasks/runs", { ...question, input });
    if (input === "stop") {
      await started.promise;
      await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
    }
    await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  }
  const metrics = await readMetrics(engine);
  for (const outcome of ["completed", "failed", "stopped"]) {
    const labels = `processor="base",outcome="${outcome}"`;
    expect(valueOf(metrics, `task_run_execution_seconds_count{${labels}}`)).toBe(1);
  }
});

test("webhook deliveries are counted by outcome", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const engine = await startTestEngine(async () => textResult("ok"), { databasePath });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  const db = await openDatabase(databasePath);
  const delivery = { run_id: run.run_id, url: "https://a.example/", body: "{}", created_ms: 1 };
  const later = Date.now() + 86_400_000;
  await db
    .insertInto("webhook_deliveries")
    .values([
      { ...delivery, webhook_id: "w1", next_attempt_ms: later, last_problem: null },
      { ...delivery, webhook_id: "w2", next_attempt_ms: later, last_problem: "503" },
      { ...delivery, webhook_id: "w3", next_attempt_ms: null, last_problem: null },
      { ...delivery, webhook_id: "w4", next_attempt_ms: null, last_problem: "gone" },
      { ...delivery, webhook_id: "w5", next_attempt_ms: null, last_problem: null },
    ])
    .execute();
  await db.destroy();
  const metrics = await readMetrics(engine);
  expect(valueOf(metrics, 'task_run_webhook_deliveries{outcome="pending"}')).toBe(2);
  expect(valueOf(metrics, 'task_run_webhook_deliveries{outcome="delivered"}')).toBe(2);
  expect(valueOf(metrics, 'task_run_webhook_deliveries{outcome="given_up"}')).toBe(1);
});

test("requests are counted by route, never by what a caller made up", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  await call(engine, "/v1/tasks/runs/secret-run-id");
  await call(engine, "/v1/tasks/runs/another");
  await call(engine, "/made-up/path");
  await engine.fetch(new Request("http://engine/v1/tasks/runs", { method: "MADEUP" }));
  const metrics = await readMetrics(engine);
  const requests = metrics.split("\n").filter((line) => line.startsWith("task_run_http_requests"));
  expect(requests.toSorted()).toEqual(
    [
      'task_run_http_requests_total{method="GET",route="/v1/tasks/runs/{run_id}",status="404"} 2',
      'task_run_http_requests_total{method="unknown",route="unknown",status="404"} 1',
      'task_run_http_requests_total{method="unknown",route="/v1/tasks/runs",status="405"} 1',
    ].toSorted(),
  );
});

test("open streams are counted while they are open", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const { url } = await listen(engine);
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const abort = new AbortController();
  const response = await fetch(`${url}/v1/tasks/runs/${run.run_id}/events`, {
    signal: abort.signal,
  });
  await readEvents(response).next();
  expect(valueOf(await readMetrics(engine), "task_run_open_streams")).toBe(1);
  abort.abort();
  await expect
    .poll(async () => valueOf(await readMetrics(engine), "task_run_open_streams"))
    .toBe(0);
});

test("nothing in the metrics tells one tenant from another", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), {
    tenants: {
      find: (key) => ({ id: `tenant-${key}`, budgetUsd: null, createsPerMinute: null }),
    },
  });
  await call(engine, "/v1/tasks/runs", question, { "x-api-key": "alpha" });
  expect(await readMetrics(engine)).not.toContain("alpha");
});
