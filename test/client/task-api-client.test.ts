import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { getEventListeners } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-task-api-client.ts";
import {
  CancelNotSupported,
  ProcessorRefused,
  RequestRejected,
  RunNotFound,
  RunStillActive,
  Unauthorized,
} from "../../src/client/errors.ts";
import { createInProcessFetch } from "../../src/client/http/in-process-fetch.ts";
import type { TaskApiClient } from "../../src/client/task-api-client.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { collect, errorOf } from "./capture.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };

type Connect = (engine: Engine, apiKey?: string) => Promise<TaskApiClient>;

const inProcess: Connect = async (engine, apiKey) =>
  createClient({
    baseUrl: "http://engine",
    apiKey,
    fetch: createInProcessFetch(engine.fetch),
  });

const overSocket: Connect = async (engine, apiKey) => {
  const server = await serveTaskApi(engine.fetch, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  return connectOverNetwork({ baseUrl: server.url, apiKey });
};

describe.each([
  ["in the same process", inProcess],
  ["over a socket", overSocket],
])("against the engine %s", (_name, connect) => {
  test("a run is created, found again, waited for, and read back", async () => {
    const client = await connect(await startTestEngine(async () => textResult("Three trillion.")));
    const run = await client.createRun({ ...question, metadata: { topic: "gdp" } });
    expect(run).toMatchObject({ is_active: true, processor: "base", metadata: { topic: "gdp" } });
    const result = await client.retrieveResult(run.run_id, { timeoutSeconds: 20 });
    expect(result.output).toMatchObject({ type: "text", content: "Three trillion." });
    expect(await client.retrieveRun(run.run_id)).toMatchObject({ status: "completed" });
    expect(await client.retrieveInput(run.run_id)).toMatchObject(question);
  });

  test("the event stream tells the progress and ends with the output", async () => {
    const watched = deferred();
    const engine = await startTestEngine(async ({ report }) => {
      await watched.promise;
      await report({ type: "task_run.progress_msg.plan", message: "Reading" });
      await report({ type: "task_run.progress_stats", progress_meter: 40 });
      return textResult("done");
    });
    const client = await connect(engine);
    const run = await client.createRun({ ...question, processor: "pro" });
    const types: string[] = [];
    let content: unknown;
    for await (const event of client.streamEvents(run.run_id)) {
      watched.resolve();
      types.push(event.type);
      if (event.type === "task_run.state") content = event.output?.content;
    }
    expect(types[0]).toBe("task_run.state");
    expect(types).toContain("task_run.progress_msg.plan");
    expect(types).toContain("task_run.progress_stats");
    expect(types.at(-1)).toBe("task_run.state");
    expect(content).toBe("done");
  });

  test("a running run is cancelled; one that has finished answers 409", async () => {
    const started = deferred();
    const engine = await startTestEngine(async ({ signal }) => {
      started.resolve();
      return untilAborted(signal);
    });
    const client = await connect(engine);
    const run = await client.createRun(question);
    await started.promise;
    expect((await client.cancelRun(run.run_id)).status).toMatch(/^cancell(ing|ed)$/);
    const states = await collect(client.streamEvents(run.run_id));
    expect(states.at(-1)).toMatchObject({ run: { status: "cancelled", is_active: false } });
    const again = await errorOf(client.cancelRun(run.run_id));
    expect(again).toBeInstanceOf(RequestRejected);
    expect(again).toMatchObject({ status: 409 });
  });

  test("a result that is not there yet, and one that will never be, are told apart", async () => {
    const release = deferred();
    const engine = await startTestEngine(async ({ input }) => {
      if (input.input === "fail") throw new ExecutionFailed("The folder is gone.");
      await release.promise;
      return textResult("late");
    });
    const client = await connect(engine);
    const slow = await client.createRun(question);
    const early = await errorOf(client.retrieveResult(slow.run_id, { timeoutSeconds: 1 }));
    expect(early).toBeInstanceOf(RunStillActive);
    release.resolve();

    const failing = await client.createRun({ ...question, input: "fail" });
    const none = await errorOf(client.retrieveResult(failing.run_id, { timeoutSeconds: 20 }));
    expect(none).toBeInstanceOf(RunNotFound);
    expect(await client.retrieveRun(failing.run_id)).toMatchObject({
      status: "failed",
      error: { message: "The folder is gone." },
    });
  });

  test("runs are listed newest first, in pages, by status", async () => {
    const client = await connect(await startTestEngine(async () => textResult("x")));
    const ids: string[] = [];
    for (const input of ["one", "two", "three"]) {
      const { run_id } = await client.createRun({ ...question, input });
      await client.retrieveResult(run_id, { timeoutSeconds: 20 });
      ids.unshift(run_id);
    }
    const first = await client.listRuns({ limit: 2, status: "completed" });
    const second = await client.listRuns({ limit: 2, cursor: first.next_cursor ?? "" });
    expect([...first.runs, ...second.runs].map((run) => run.run_id)).toEqual(ids);
    expect((await client.listRuns({ status: "failed" })).runs).toEqual([]);
    expect((await client.listRuns({})).runs).toHaveLength(3);
  });

  test("refusals carry what to correct", async () => {
    const client = await connect(await startTestEngine(async () => textResult("x")));
    const unknown = await errorOf(client.createRun({ ...question, processor: "gigantic" }));
    expect(unknown).toBeInstanceOf(ProcessorRefused);
    const rejected = await errorOf(
      client.createRun({ ...question, memory_scope_key: "no spaces!" }),
    );
    expect(rejected).toMatchObject({
      name: "InvalidRequest",
      status: 422,
      problems: [{ loc: ["body", "memory_scope_key"] }],
    });
  });

  test("no run has an unknown id, whatever characters it is made of", async () => {
    const client = await connect(await startTestEngine(async () => textResult("x")));
    for (const runId of ["trun_0", "", ".", "..", "../groups", "a/b?c#d", "ü 東京", "\ud800"]) {
      expect(await errorOf(client.retrieveRun(runId))).toBeInstanceOf(RunNotFound);
      expect(await errorOf(collect(client.streamEvents(runId)))).toBeInstanceOf(RunNotFound);
    }
    expect(await errorOf(client.cancelRun("trun_0"))).toBeInstanceOf(CancelNotSupported);
  });

  test("the API key opens the API, and a wrong one does not", async () => {
    const engine = await startTestEngine(async () => textResult("x"), {
      tenants: singleTenant("right"),
    });
    const allowed = await connect(engine, "right");
    expect(await allowed.createRun(question)).toHaveProperty("run_id");
    const refused = await connect(engine, "wrong");
    expect(await errorOf(refused.createRun(question))).toBeInstanceOf(Unauthorized);
    const anonymous = await connect(engine);
    expect(await errorOf(anonymous.createRun(question))).toBeInstanceOf(Unauthorized);
  });

  test("an abort ends a long poll and a stream at once, and the run goes on", async () => {
    const release = deferred();
    const engine = await startTestEngine(async () => {
      await release.promise;
      return textResult("still here");
    });
    const client = await connect(engine);
    const { run_id } = await client.createRun(question);
    const leaving = new AbortController();
    const { signal } = leaving;
    const polling = errorOf(client.retrieveResult(run_id, { timeoutSeconds: 600, signal }));
    const streaming = errorOf(collect(client.streamEvents(run_id, { signal })));
    leaving.abort("had enough");
    expect(await polling).toBe("had enough");
    expect(await streaming).toBe("had enough");
    release.resolve();
    const { output } = await client.retrieveResult(run_id, { timeoutSeconds: 20 });
    expect(output.content).toBe("still here");
  });
});

test("requests say who sends them, what they send and what they want, under the base URL's path", async () => {
  const engine = await startTestEngine(async () => textResult("x"));
  const seen: (Record<string, unknown> & { path: string | undefined })[] = [];
  const server = await startEngineServer(engine, (request) => {
    const { accept, "content-type": type, "user-agent": agent, ...headers } = request.headers;
    const { "x-api-key": key, "parallel-beta": beta } = headers;
    seen.push({ path: request.url, accept, type, agent, key, beta });
    request.url = request.url?.replace("/task-api", "") ?? "";
    return false;
  });
  const client = connectOverNetwork({
    baseUrl: `${server.url}/task-api/`,
    apiKey: "k",
    userAgent: "task-run-mcp/1.2.3",
  });
  const { run_id } = await client.createRun({
    ...question,
    enable_events: true,
    webhook: { url: "https://example.com/hook", event_types: ["task_run.status"] },
  });
  await client.retrieveRun(run_id);
  await collect(client.streamEvents(run_id));
  await client.retrieveResult(run_id, { timeoutSeconds: 2.5 });
  const sender = { agent: "task-run-mcp/1.2.3", key: "k" };
  const reading = { ...sender, accept: "application/json", type: undefined, beta: undefined };
  const runs = "/task-api/v1/tasks/runs";
  expect(seen).toEqual([
    {
      ...reading,
      path: runs,
      type: "application/json",
      beta: "events-sse-2025-07-24,webhook-2025-08-12",
    },
    { ...reading, path: `${runs}/${run_id}` },
    { ...reading, path: `${runs}/${run_id}/events`, accept: "text/event-stream" },
    { ...reading, path: `${runs}/${run_id}/result?timeout=3` },
  ]);
});

test("calls that are over leave nothing on the caller's signal", async () => {
  const client = await inProcess(await startTestEngine(async () => textResult("x")));
  const { signal } = new AbortController();
  const { run_id } = await client.createRun(question, { signal });
  await client.retrieveResult(run_id, { timeoutSeconds: 20, signal });
  await collect(client.streamEvents(run_id, { signal }));
  await errorOf(client.retrieveRun("trun_0", { signal }));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("without an API key no such header is sent", async () => {
  const engine = await startTestEngine(async () => textResult("x"));
  let headers = {};
  const server = await startEngineServer(engine, (request) => {
    headers = request.headers;
    return false;
  });
  await connectOverNetwork({ baseUrl: server.url }).createRun(question);
  expect(headers).not.toHaveProperty("x-api-key");
});
