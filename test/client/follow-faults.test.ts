import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { createFollowers } from "../../src/client/follow/followers.ts";
import type { RunSnapshot } from "../../src/client/follow/snapshots.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import type { EngineDeps } from "../../src/engine/engine.ts";
import type { Attempt } from "../../src/engine/executors/executor.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import type { ProgressEvent } from "../../src/task-api/run-event.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { errorOf, iterate, next } from "./capture.ts";
import { type Fault, startFaultyProxy } from "./faulty-proxy.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";
import { type ManualClock, createManualClock } from "./manual-clock.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "pro" };
const meter = (progress_meter: number): ProgressEvent => ({
  type: "task_run.progress_stats",
  progress_meter,
});
const step = (message: string): ProgressEvent => ({
  type: "task_run.progress_msg.search",
  message,
});

type Kind = "events" | "result" | "run";
function kindOf(path: string): Kind {
  if (path.endsWith("/events")) return "events";
  return path.includes("/result") ? "result" : "run";
}

/** A run on the real engine that works until the test ends it, and followers that reach it over a faulty proxy. */
async function startRun(options: Partial<EngineDeps>) {
  const started = deferred<Attempt>();
  const ending = deferred();
  const engine = await startTestEngine(async (attempt) => {
    started.resolve(attempt);
    await Promise.race([ending.promise, untilAborted(attempt.signal)]);
    return textResult("the answer");
  }, options);
  let faultOf: (kind: Kind) => Fault | null = () => null;
  let heard: { kind: Kind; resolve: () => void } | null = null;
  const proxy = await startFaultyProxy({
    target: engine.fetch,
    faults({ path }) {
      const kind = kindOf(path);
      if (kind === heard?.kind) heard.resolve();
      return faultOf(kind);
    },
  });
  const clock = createManualClock();
  const client = connectOverNetwork({
    baseUrl: proxy.url,
    clock,
    retryPolicy: { ...defaultRetryPolicy, maxAttempts: 1 },
  });
  const direct = connectOverNetwork({
    baseUrl: (await startEngineServer(engine, () => false)).url,
  });
  const { run_id: runId } = await direct.createRun(question);
  const attempt = await started.promise;
  return {
    clock,
    runId,
    snapshots: iterate(createFollowers({ client, clock }).watch(runId)),
    report: attempt.report,
    /** Ends the run, and resolves when the engine tells of it. */
    async complete() {
      ending.resolve();
      await direct.retrieveResult(runId, { timeoutSeconds: 20 });
    },
    setFaults: (chosen: typeof faultOf) => (faultOf = chosen),
    /** Resolves at the next request of the kind. */
    asked(kind: Kind): Promise<void> {
      const { promise, resolve } = deferred();
      heard = { kind, resolve };
      return promise;
    },
    /** Resets the connection of every event stream. */
    breakStreams: () => proxy.reset((path) => kindOf(path) === "events"),
    count: (kind: Kind) => proxy.requests.filter(({ path }) => kindOf(path) === kind).length,
  };
}

/** The rest of the snapshots is the truth: the run is completed, and this is its answer. */
async function expectTheTruth(snapshots: AsyncIterator<RunSnapshot>): Promise<void> {
  const last = await next(snapshots, ({ run }) => !run.is_active);
  expect(last).toMatchObject({
    run: { status: "completed" },
    output: { content: "the answer" },
    percent: 100,
    staleReason: null,
  });
  expect(await snapshots.next()).toMatchObject({ done: true });
}

/** The follower, and nothing else, sleeps between two polls, for at most so long. */
const isPausing = (clock: ManualClock, pauseMs: number) => () =>
  clock.sleepers === 1 && (clock.sleeps.at(-1) ?? Infinity) <= pauseMs;
const onEvents = (fault: Fault) => (kind: Kind) => (kind === "events" ? fault : null);

describe.each<[Profile]>([["hosted"], ["extended"]])("in the %s profile", (profile) => {
  test("a stream that the server ends while the run is active is not the end of the run", async () => {
    const limits = { streamWindowMs: 50 };
    const { snapshots, asked, complete, count, clock } = await startRun({ profile, limits });
    const polling = asked("result");
    expect((await next(snapshots)).run.status).toBe("running");
    await polling;
    await complete();
    await expectTheTruth(snapshots);
    expect(count("events")).toBe(1);
    expect(clock.sleepers).toBe(0);
  });

  test.each<[Fault, number]>([
    ["stall-before", 10_000],
    ["stall-after", 10_000],
    ["buffer", 10_000],
    ["buffer-body", 10_000],
    ["stall-midway", 60_000],
  ])("a stream that meets with %s is given up after %i ms", async (fault, silenceMs) => {
    const { snapshots, setFaults, asked, complete, clock } = await startRun({ profile });
    setFaults(onEvents(fault));
    const polling = asked("result");
    const first = next(snapshots);
    // What begins shows the run at once.
    if (fault === "stall-midway") expect(await first).toMatchObject({ percent: 0 });
    await clock.until(() => clock.sleepers === 1);
    clock.advance(10_000);
    if (silenceMs > 10_000) {
      await clock.until(() => clock.sleeps.includes(silenceMs - 10_000));
      clock.advance(silenceMs - 10_000);
    }
    expect((await first).run.status).toBe("running");
    await polling;
    await complete();
    await expectTheTruth(snapshots);
    expect(clock.sleepers).toBe(0);
  });

  test.each<[Fault]>([["buffer"], ["buffer-body"]])(
    "a stream that a proxy holds back (%s) tells the end as soon as the run has ended",
    async (fault) => {
      const { snapshots, setFaults, asked, complete, count } = await startRun({ profile });
      setFaults(onEvents(fault));
      const opened = asked("events");
      const told = expectTheTruth(snapshots);
      await opened;
      await complete();
      await told;
      expect([count("events"), count("result"), count("run")]).toEqual([1, 0, 0]);
    },
  );

  test.each<[Fault]>([["garbage"], ["unknown-events"]])(
    "%s between the events of a stream changes nothing",
    async (fault) => {
      const { snapshots, setFaults, report, complete, count } = await startRun({ profile });
      setFaults(onEvents(fault));
      expect(await next(snapshots)).toMatchObject({ run: { status: "running" }, percent: 0 });
      await report(step("one"));
      await report(meter(40));
      expect(await next(snapshots, ({ percent }) => percent === 40)).toMatchObject({
        latestMessage: "one",
        staleReason: null,
      });
      await complete();
      await expectTheTruth(snapshots);
      expect(count("events")).toBe(1);
      // The garbage has frames that tell an end in part: then the run is read.
      if (fault === "unknown-events") expect([count("result"), count("run")]).toEqual([0, 0]);
    },
  );

  test.each<[Fault]>([["503-before"], ["drop-before"], ["drop-midway"]])(
    "%s in the middle of the stream, and then of the polls, is told in the snapshot and waited out",
    async (fault) => {
      const { snapshots, setFaults, complete, clock } = await startRun({ profile });
      // The stream breaks after its first piece, and from then on nothing works.
      let isFirst = true;
      setFaults((kind) => {
        const isFirstStream = isFirst && kind === "events";
        isFirst = false;
        return isFirstStream ? "drop-midway" : fault;
      });
      await next(snapshots);
      const lost = await next(snapshots, ({ staleReason }) => staleReason !== null);
      expect(lost).toMatchObject({ run: { status: "running" } });
      await clock.until(isPausing(clock, 1_000));
      clock.advance(1_000);
      await clock.until(isPausing(clock, 2_000));
      await complete();
      setFaults(() => null);
      clock.advance(2_000);
      await expectTheTruth(snapshots);
      expect(clock.sleepers).toBe(0);
    },
  );

  test("a poll that fails between others does not end the wait", async () => {
    const { snapshots, setFaults, complete, clock } = await startRun({ profile });
    setFaults((kind) => (kind === "run" ? null : "503-before"));
    expect(await next(snapshots)).toMatchObject({ run: { status: "running" }, staleReason: null });
    await clock.until(isPausing(clock, 1_000));
    setFaults((kind) => (kind === "events" ? "503-before" : null));
    await complete();
    clock.advance(1_000);
    await expectTheTruth(snapshots);
  });

  test("percent never falls and no step comes twice, however often the stream breaks and replays", async () => {
    const { snapshots, report, complete, clock, count, breakStreams } = await startRun({ profile });
    const seen: RunSnapshot[] = [];
    const see = (fits: (snapshot: RunSnapshot) => boolean) =>
      next(snapshots, (snapshot) => seen.push(snapshot) > 0 && fits(snapshot));
    await see(() => true);
    const percents = [30, 60, 20, 90, 0];
    for (const [index, percent] of percents.entries()) {
      await report(meter(percent));
      await report(step(`step ${index}`));
      await see(({ latestMessage }) => latestMessage === `step ${index}`);
      // A stream that has lived for a while is opened again at once.
      clock.advance(31_000);
      breakStreams();
    }
    await complete();
    await see(({ run }) => !run.is_active);
    expect(count("events")).toBe(percents.length + 1);
    const told = seen.map(({ percent }) => percent);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told).toContain(90);
    expect(told.at(-1)).toBe(100);
    expect(seen.at(-1)?.messages.map(({ message }) => message)).toEqual(
      percents.map((_percent, index) => `step ${index}`),
    );
  });

  test("1,000 waiters on 50 runs open 50 streams, and each closes when its last waiter leaves", async () => {
    const engine = await startTestEngine(({ signal }) => untilAborted(signal), { profile });
    const streams = new Map<string, ServerResponse[]>();
    const server = await startEngineServer(engine, (request, response) => {
      const { url = "" } = request;
      if (kindOf(url) === "events") streams.set(url, [...(streams.get(url) ?? []), response]);
      return false;
    });
    const client = connectOverNetwork({ baseUrl: server.url });
    const followers = createFollowers({ client });
    const runs = await Promise.all(
      Array.from({ length: 50 }, () => client.createRun({ ...question, processor: "base" })),
    );
    const waiters = runs.flatMap(({ run_id: runId }) =>
      Array.from({ length: 20 }, () => {
        const leaving = new AbortController();
        const { signal } = leaving;
        return { runId, leaving, snapshots: iterate(followers.watch(runId, { signal })) };
      }),
    );
    await Promise.all(waiters.map(({ snapshots }) => next(snapshots)));
    const opened = [...streams.values()].flat();
    expect([streams.size, opened.length]).toEqual([50, 50]);

    const lastOfEach = waiters.filter((_waiter, index) => index % 20 === 19);
    const others = waiters.filter((_waiter, index) => index % 20 !== 19);
    const leave = async (leavers: typeof waiters) => {
      const left = leavers.map(({ snapshots }) => errorOf(next(snapshots, () => false)));
      for (const { leaving } of leavers) leaving.abort("had enough");
      expect(new Set(await Promise.all(left))).toEqual(new Set(["had enough"]));
    };
    await leave(others);
    expect(opened.filter(({ closed, destroyed }) => closed || destroyed)).toEqual([]);
    const closed = opened.map(
      (response) => new Promise((resolve) => response.once("close", resolve)),
    );
    await leave(lastOfEach);
    await Promise.all(closed);
    expect([...streams.values()].flat()).toHaveLength(50);
  });
});
