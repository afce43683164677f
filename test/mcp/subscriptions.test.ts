import { expect, test } from "vitest";
import type { Attempt } from "../../src/engine/executors/executor.ts";
import { createRunUpdatePublisher } from "../../src/mcp/protocol/subscriptions.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { type Backend, BackendUnavailable } from "../../src/mcp/runs/backend.ts";
import { createManualClock } from "../client/manual-clock.ts";
import {
  deferred,
  silentLog,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";

const anonymous = { id: null, apiKey: null };

/** An engine whose runs wait to be released, and a backend that counts the runs being watched. */
async function start() {
  const gate = deferred();
  const work = async ({ input, signal }: Attempt) => {
    if (typeof input.input === "string" && input.input.startsWith("held")) {
      await Promise.race([gate.promise, untilAborted(signal)]);
    }
    return textResult("done");
  };
  const backend = await backendOn(await startTestEngine(work));
  const watched = new Set<string>();
  let changed = () => {};
  const followers: Backend["followers"] = {
    ...backend.followers,
    async *watch(runId, options) {
      watched.add(runId);
      changed();
      try {
        yield* backend.followers.watch(runId, options);
      } finally {
        watched.delete(runId);
        changed();
      }
    },
  };
  /** Resolves when that many runs are being watched. */
  const untilWatched = (count: number) =>
    new Promise<void>((resolve) => {
      changed = () => {
        if (watched.size === count) resolve();
      };
      changed();
    });
  return { backend: { ...backend, followers }, release: () => gate.resolve(), untilWatched };
}

test.each(clientKinds)("%s: a subscriber is notified when the run ends", async (kind) => {
  const { backend, release, untilWatched } = await start();
  const { call, beside } = await connect(async () => backend, { kind });
  expect(beside.capabilities()).toMatchObject({ resources: { subscribe: true } });
  const { report } = await call("create_task_run", { input: "held" });
  const uri = `task-run://${report.run_id}`;
  await beside.subscribe(uri);
  await untilWatched(1);
  expect(beside.updates).toEqual([]);
  release();
  await beside.untilUpdates(1);
  expect(beside.updates).toEqual([uri]);
  await untilWatched(0);
  const { contents } = await beside.read(uri);
  expect(contents[0]?.text).toContain("is completed");
});

test.each(clientKinds)("%s: a run that has already ended is published at once", async (kind) => {
  const { backend } = await start();
  const { call, beside } = await connect(async () => backend, { kind });
  const { report } = await call("create_task_run", { input: "quick", wait_seconds: 30 });
  await beside.subscribe(`task-run://${report.run_id}/output`);
  await beside.untilUpdates(1);
  expect(beside.updates).toEqual([`task-run://${report.run_id}/output`]);
});

test.each(clientKinds)("%s: unsubscribing ends the watching", async (kind) => {
  const { backend, release, untilWatched } = await start();
  const { call, beside } = await connect(async () => backend, { kind });
  const { report } = await call("create_task_run", { input: "held" });
  const other = await call("create_task_run", { input: "held too" });
  const subscription = await beside.subscribe(`task-run://${report.run_id}`);
  await untilWatched(1);
  await subscription.stop();
  await untilWatched(0);
  await beside.subscribe(`task-run://${other.report.run_id}`);
  release();
  await beside.untilUpdates(1);
  expect(beside.updates).toEqual([`task-run://${other.report.run_id}`]);
});

test.each(clientKinds)("%s: nothing is watched when the connection ends", async (kind) => {
  const { backend, untilWatched } = await start();
  const { call, beside, close } = await connect(async () => backend, { kind });
  const { report } = await call("create_task_run", { input: "held" });
  await beside.subscribe(`task-run://${report.run_id}`);
  await untilWatched(1);
  await close();
  await untilWatched(0);
});

test("a legacy client cannot subscribe to unknown resources", async () => {
  const { backend } = await start();
  const { beside } = await connect(async () => backend);
  await expect(beside.subscribe("https://example.com/")).rejects.toMatchObject({ code: -32_602 });
  await beside.subscribe("task-run://processors");
});

test("a run that the caller cannot read is never published", async () => {
  const { backend, untilWatched } = await start();
  const publisher = createRunUpdatePublisher({
    backend: async () => backend,
    clock: systemClock,
    log: silentLog,
  });
  const published: string[] = [];
  const stop = publisher.subscribe(["task-run://trun_of_another"], anonymous, (uri) =>
    published.push(uri),
  );
  await untilWatched(1);
  await untilWatched(0);
  expect(published).toEqual([]);
  stop();
});

test("one run is watched once for all its resources, and each of them is announced", async () => {
  const { backend } = await start();
  const { call } = await connect(async () => backend);
  const { report } = await call("create_task_run", { input: "quick", wait_seconds: 30 });
  const publisher = createRunUpdatePublisher({
    backend: async () => backend,
    clock: systemClock,
    log: silentLog,
  });
  const uris = ["", "/output", "/events"].map((path) => `task-run://${report.run_id}${path}`);
  const all = deferred();
  const published: string[] = [];
  publisher.subscribe([...uris, "task-run://processors", "nonsense"], anonymous, (uri) => {
    published.push(uri);
    if (published.length === uris.length) all.resolve();
  });
  await all.promise;
  expect(published).toEqual(uris);
});

test("a backend that cannot be opened is retried until the last subscriber leaves", async () => {
  const { backend } = await start();
  const { call } = await connect(async () => backend);
  const { report } = await call("create_task_run", { input: "quick", wait_seconds: 30 });
  const clock = createManualClock();
  let opened = 0;
  const publisher = createRunUpdatePublisher({
    async backend() {
      opened += 1;
      if (opened < 3) throw new BackendUnavailable("The disk is full.");
      return backend;
    },
    clock,
    log: silentLog,
  });
  const updated = deferred<string>();
  publisher.subscribe([`task-run://${report.run_id}`], anonymous, updated.resolve);
  await clock.until(() => clock.sleeps.length === 1);
  clock.advance(10_000);
  await clock.until(() => clock.sleeps.length === 2);
  clock.advance(10_000);
  expect(await updated.promise).toBe(`task-run://${report.run_id}`);
  expect(opened).toBe(3);
});
