import { expect, test } from "vitest";
import { createManualClock } from "../client/manual-clock.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOf, backendOn, clientKinds, connect } from "./connect.ts";

test.each(clientKinds)(
  "%s: a running run is cancelled, as a second look confirms",
  async (kind) => {
    const started = deferred();
    const engine = await startTestEngine(({ signal }) => {
      started.resolve();
      return untilAborted(signal);
    });
    const backend = await backendOn(engine);
    const client = await connect(async () => backend, { kind });
    const { report: created } = await client.call("create_task_run", { input: "Why?" });
    await started.promise;
    const { report, texts } = await client.call("cancel_task_run", { run_id: created.run_id });
    expect(report).toMatchObject({ outcome: "cancelled", status: "cancelled", is_active: false });
    expect(texts).toEqual([
      `The run is cancelled; it has no output.\nNext: Nothing more to do for this run.\nrun_id: ${created.run_id}`,
    ]);
    const again = await client.call("cancel_task_run", { run_id: created.run_id });
    expect(again.report.outcome).toBe("already_finished");
  },
);

test("a worker that does not stop in time is reported as cancelling", async () => {
  const clock = createManualClock();
  const started = deferred();
  const ends = deferred();
  const engine = await startTestEngine(async () => {
    started.resolve();
    await ends.promise;
    return textResult("too late");
  });
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { clock });
  const { report: created } = await client.call("create_task_run", { input: "Why?" });
  await started.promise;
  const call = client.call("cancel_task_run", { run_id: created.run_id });
  await clock.until(() => clock.sleeps.includes(2_000));
  clock.advance(2_000);
  const { report } = await call;
  expect(report).toMatchObject({ outcome: "cancelling", status: "cancelling", is_active: true });
  expect(report.next_step).toContain("get_task_run with this run_id and wait_seconds 0");
  ends.resolve();
});

test("a completed run has already finished, and its result is still there", async () => {
  const engine = await startTestEngine(async () => textResult("the answer"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report: created } = await client.call("create_task_run", {
    input: "Why?",
    wait_seconds: 30,
  });
  const { report } = await client.call("cancel_task_run", { run_id: created.run_id });
  expect(report).toMatchObject({ outcome: "already_finished", status: "completed" });
  expect(report.next_step).toContain("get_task_run");
});

test("a run that finishes while the cancel is on its way has already finished", async () => {
  const ends = deferred();
  const engine = await startTestEngine(async () => {
    await ends.promise;
    return textResult("the answer");
  });
  const backend = await backendOf(async (request) => {
    if (request.url.endsWith("/cancel")) {
      ends.resolve();
      await engine.fetch(new Request(`${request.url.replace("/cancel", "/result")}?timeout=30`));
    }
    return engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const { report: created } = await client.call("create_task_run", { input: "Why?" });
  const { report } = await client.call("cancel_task_run", { run_id: created.run_id });
  expect(report).toMatchObject({ outcome: "already_finished", status: "completed" });
});

test.each([404, 405])(
  "a backend without cancel (%i): the run goes on, and that is said",
  async (status) => {
    const engine = await startTestEngine(({ signal }) => untilAborted(signal));
    const backend = await backendOf(async (request) => {
      if (request.url.endsWith("/cancel")) return new Response(null, { status });
      return engine.fetch(request);
    }, "hosted");
    const client = await connect(async () => backend);
    const { report: created } = await client.call("create_task_run", { input: "Why?" });
    const { report, isError } = await client.call("cancel_task_run", { run_id: created.run_id });
    expect(isError).toBe(false);
    expect(report).toMatchObject({ outcome: "not_supported", is_active: true });
    expect(report.summary).toContain("and is billed if it completes");
  },
);

test("an unknown run is not found", async () => {
  const engine = await startTestEngine(async () => textResult("x"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report, isError } = await client.call("cancel_task_run", { run_id: "trun_0" });
  expect(isError).toBe(false);
  expect(report).toMatchObject({ outcome: "not_found", run_id: "trun_0" });
  expect(report).not.toHaveProperty("status");
});

test("the run that is cancelled is the one that was named, whatever id the backend answers with", async () => {
  const asked: string[] = [];
  const backend = await backendOf(async ({ method, url }) => {
    asked.push(`${method} ${new URL(url).pathname}`);
    return method === "POST"
      ? Response.json({ error: { ref_id: "r", message: "Not Found" } }, { status: 404 })
      : Response.json({
          run_id: "trun_other",
          status: "running",
          is_active: true,
          processor: "base",
        });
  }, "custom");
  const client = await connect(async () => backend);
  await client.call("cancel_task_run", { run_id: "trun_1" });
  expect(asked.filter((request) => !request.includes("processors"))).toEqual([
    "GET /v1/tasks/runs/trun_1",
    "POST /v1/tasks/runs/trun_1/cancel",
    "GET /v1/tasks/runs/trun_1",
  ]);
});

test("when the request's fate is unknown nothing is claimed", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOf(async (request) => {
    if (request.url.endsWith("/cancel")) return new Response(null, { status: 502 });
    return engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const { report: created } = await client.call("create_task_run", { input: "Why?" });
  const { text, isError } = await client.call("cancel_task_run", { run_id: created.run_id });
  expect(isError).toBe(true);
  expect(text).toContain(
    "It is not known whether anything is being cancelled; asking again is safe.",
  );
  expect(text).toContain(`cancel_task_run {"run_id":"${created.run_id}"}`);
});

test("a backend that refuses to cancel an active run is not said to have taken it", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOf(async (request) => {
    if (request.url.endsWith("/cancel")) {
      return Response.json({ error: { message: "No." } }, { status: 409 });
    }
    return engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const { report: created } = await client.call("create_task_run", { input: "Why?" });
  const { text, isError } = await client.call("cancel_task_run", { run_id: created.run_id });
  expect(isError).toBe(true);
  expect(text).toContain("Error: The backend rejected the request (status 409).");
});
