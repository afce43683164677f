import { expect, test } from "vitest";
import { type Attempt, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { EngineDeps } from "../../src/engine/engine.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { startHostEngine } from "../engine/executors/start-host-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";
import { rawModern } from "./raw-modern.ts";

const EXTENSION = "io.modelcontextprotocol/tasks";
const declared = { extensions: { [EXTENSION]: {} } };

async function start(options: Partial<EngineDeps> = {}) {
  const reported = deferred();
  const gate = deferred();
  const engine = await startTestEngine(async ({ input, signal, report }: Attempt) => {
    const question = typeof input.input === "string" ? input.input : "";
    if (question.startsWith("bad")) throw new ExecutionFailed("No source answers it.");
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("held")) {
      await report({ type: "task_run.progress_stats", progress_meter: 40, source_stats: null });
      await report({ type: "task_run.progress_msg.plan", message: "Reading the accounts" });
      reported.resolve();
      await Promise.race([gate.promise, untilAborted(signal)]);
    }
    return textResult(`About ${question}`);
  }, options);
  const backend = await backendOn(engine, "custom");
  const { request } = rawModern({ backend: async () => backend });
  const create = async (args: Record<string, unknown>, options_: object = declared) =>
    request("tools/call", { name: "create_task_run", arguments: args }, options_);
  const task = async (input: string) => String((await create({ input })).result?.["taskId"]);
  const get = async (taskId: string) =>
    (await request("tasks/get", { taskId }, declared)).result ?? {};
  /** Asks until the task is over, as a client does. */
  async function settled(taskId: string): Promise<Record<string, unknown>> {
    for (;;) {
      const seen = await get(taskId);
      if (seen["status"] !== "working") return seen;
    }
  }
  return {
    engine,
    backend,
    request,
    create,
    task,
    get,
    settled,
    reported: reported.promise,
    release: () => gate.resolve(),
  };
}

/** What `get_task_run` answers, but for the boundary of its fence, which is new each time. */
async function toolResult({ request }: Awaited<ReturnType<typeof start>>, run_id: string) {
  const params = { name: "get_task_run", arguments: { run_id, wait_seconds: 0 } };
  return (await request("tools/call", params)).result;
}

const comparable = (result: unknown) =>
  JSON.parse(
    JSON.stringify(result).replaceAll(/(?<=<<<data )[\w-]{6}(?=:)|[\w-]{6}(?=>>>)/g, "boundary"),
  );

test("a client that declares the extension gets a task whose id is the run's", async () => {
  const host = await start();
  const { result } = await host.create({ input: "held", processor: "core" });
  expect(result).toMatchObject({
    resultType: "task",
    taskId: expect.stringMatching(/^trun_/),
    status: "working",
    createdAt: expect.stringMatching(/^\d{4}-/),
    ttlMs: null,
    pollIntervalMs: 3_000,
  });
  for (const absent of ["result", "error", "inputRequests", "requestState", "task"]) {
    expect(result).not.toHaveProperty(absent);
  }
  const taskId = String(result?.["taskId"]);
  await host.reported;
  expect(await host.get(taskId)).toMatchObject({
    resultType: "complete",
    taskId,
    status: "working",
    statusMessage: "running, 40%: Reading the accounts",
  });
  host.release();
  const done = await host.settled(taskId);
  expect(done).toMatchObject({ status: "completed", statusMessage: "completed" });
  expect(done["result"]).toMatchObject({ structuredContent: { output: "About held" } });
});

test("the result of a task is what get_task_run answers, of a failed run too", async () => {
  const host = await start();
  for (const input of ["France", "bad"]) {
    const taskId = await host.task(input);
    const { status, result } = await host.settled(taskId);
    expect(status).toBe("completed");
    expect(result).not.toHaveProperty("isError");
    const { _meta, resultType, ...answer } = { ...(await toolResult(host, taskId)) };
    expect(resultType).toBe("complete");
    expect(comparable(result)).toEqual(comparable(answer));
  }
});

test("a run that ends within the call is no task", async () => {
  const { create } = await start();
  const { result } = await create({ input: "France", wait_seconds: 30 });
  expect(result).toMatchObject({
    resultType: "complete",
    structuredContent: { output: "About France" },
  });
  expect(result).not.toHaveProperty("taskId");
});

test("neither is a dry run, nor a mistake", async () => {
  const { create } = await start();
  expect((await create({ input: "France", dry_run: true })).result).not.toHaveProperty("taskId");
  expect((await create({})).result).toMatchObject({ isError: true, resultType: "complete" });
});

test("without the declaration the tools answer as ever, and tasks are refused with what is missing", async () => {
  const { create, request } = await start();
  const { result } = await create({ input: "held" }, {});
  expect(result).toMatchObject({ resultType: "complete", structuredContent: { status: "queued" } });
  expect(result).not.toHaveProperty("taskId");
  for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
    const { error } = await request(method, { taskId: "any", inputResponses: {} });
    expect(error).toMatchObject({
      code: -32_021,
      data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
    });
  }
});

test("the extension is announced where it can be used, and nowhere else", async () => {
  const { backend, request } = await start();
  const { result } = await request("server/discover", {});
  expect(result).toMatchObject({ capabilities: { extensions: { [EXTENSION]: {} } } });
  const readOnly = rawModern({ backend: async () => backend, isReadOnly: true });
  const discovered = await readOnly.request("server/discover", {});
  expect(discovered.result?.["capabilities"]).not.toHaveProperty("extensions");
  const asked = await readOnly.request("tasks/get", { taskId: "any" }, declared);
  expect(asked.error?.code).toBe(-32_601);
  for (const kind of clientKinds.slice(0, 2)) {
    const { beside } = await connect(async () => backend, { kind });
    expect(beside.capabilities()).not.toHaveProperty("extensions");
  }
});

test("a cancel is acknowledged with nothing, again and again, and the next look tells what became of it", async () => {
  const { task, request, settled } = await start();
  const taskId = await task("slow");
  const cancelled = await request("tasks/cancel", { taskId }, declared);
  expect(Object.keys(cancelled.result ?? {}).toSorted()).toEqual(["_meta", "resultType"]);
  const after = await settled(taskId);
  expect(after).toMatchObject({ status: "cancelled", statusMessage: "cancelled" });
  expect(after).not.toHaveProperty("result");
  expect((await request("tasks/cancel", { taskId }, declared)).result).toMatchObject({
    resultType: "complete",
  });
});

test("where runs cannot be cancelled the task goes on", async () => {
  const { task, request, get } = await start({ profile: "hosted" });
  const taskId = await task("slow");
  expect((await request("tasks/cancel", { taskId }, declared)).error).toBeUndefined();
  expect(await get(taskId)).toMatchObject({ status: "working" });
});

test("an update is taken and changes nothing: a run never asks for input", async () => {
  const { task, request, settled } = await start();
  const taskId = await task("France");
  await settled(taskId);
  const params = { taskId, inputResponses: { name: { action: "accept" } } };
  const { result } = await request("tasks/update", params, declared);
  expect(Object.keys(result ?? {}).toSorted()).toEqual(["_meta", "resultType"]);
});

test("unknown ids are invalid params", async () => {
  const { request } = await start();
  for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
    const { error } = await request(method, { taskId: "trun_none", inputResponses: {} }, declared);
    expect(error).toMatchObject({ code: -32_602, message: "There is no task trun_none." });
  }
});

test("a task outlives the server that answered with it", async () => {
  const { engine, task } = await start();
  const taskId = await task("France");
  const other = await backendOn(engine, "custom");
  const { request } = rawModern({ backend: async () => other });
  expect((await request("tasks/get", { taskId }, declared)).result).toMatchObject({ taskId });
});

test("a run that asks for its answer is input_required, and an update brings the answer", async () => {
  const backend = await backendOn(await startHostEngine());
  const { request } = rawModern({ backend: async () => backend });
  const asking = { ...declared, elicitation: {} };
  const input = "When was the Kestrel pump introduced?";
  const created = await request(
    "tools/call",
    { name: "create_task_run", arguments: { input } },
    asking,
  );
  const taskId = String(created.result?.["taskId"]);
  const get = async (capabilities: object) =>
    (await request("tasks/get", { taskId }, capabilities)).result ?? {};
  await backend.client.retrieveResult(taskId, { timeoutSeconds: 30 }).catch(() => undefined);
  expect(await get(declared)).toMatchObject({
    status: "working",
    statusMessage: "action_required",
  });
  const asked = await get(asking);
  expect(asked).toMatchObject({ resultType: "complete", status: "input_required" });
  const [first] = Object.entries(Object(asked["inputRequests"]));
  const [key, form]: readonly [string, unknown] = first ?? ["", null];
  expect(form).toMatchObject({ method: "elicitation/create", params: { mode: "form" } });
  expect(JSON.stringify(form)).toContain("Orla Brandt");
  const update = (id: string, response: object) =>
    request("tasks/update", { taskId, inputResponses: { [id]: response } }, asking);
  const accept = (citations: object) => ({
    action: "accept",
    content: { output: "In 1987.", citations: JSON.stringify(citations) },
  });
  expect((await update("unasked", accept({ output: ["x"] }))).result).toMatchObject({});
  expect((await update(key, { action: "decline" })).result).toMatchObject({});
  const wrong = await update(key, accept({ output: ["was introduced in 1988 by Orla"] }));
  expect(wrong.error?.message).toContain("similar words");
  const again = Object.keys(Object((await get(asking))["inputRequests"])).join();
  expect(again).not.toBe(key);
  const right = await update(again, accept({ output: ["was introduced in 1987 by Orla"] }));
  expect(right.result).toMatchObject({ resultType: "complete" });
  await backend.client.retrieveResult(taskId, { timeoutSeconds: 30 });
  expect(await get(asking)).toMatchObject({ status: "completed" });
});
