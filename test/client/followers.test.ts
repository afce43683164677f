import { getEventListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { BackendUnreachable, RunNotFound, Unauthorized } from "../../src/client/errors.ts";
import { followRun } from "../../src/client/follow/follow-run.ts";
import { defaultFollowPolicy } from "../../src/client/follow/follow-policy.ts";
import { createFollowers } from "../../src/client/follow/followers.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import { type Attempt, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { ProgressEvent } from "../../src/task-api/run-event.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { collect, errorOf, iterate, next } from "./capture.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";
import { type ManualClock, createManualClock } from "./manual-clock.ts";

const API_ERROR = JSON.stringify({ error: { message: "No." } });

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
/** Answers a request itself (true) or lets it through to the engine. */
type Fault = (kind: Kind, response: ServerResponse, request: IncomingMessage) => boolean;

/** A run on the real engine that works until the test ends it, and followers that reach it over a socket. */
async function startRun({ fault = () => false, apiKey }: { fault?: Fault; apiKey?: string } = {}) {
  const started = deferred<Attempt>();
  const ending = deferred();
  const engine = await startTestEngine(async (attempt) => {
    started.resolve(attempt);
    await Promise.race([ending.promise, untilAborted(attempt.signal)]);
    return textResult("the answer");
  });
  const streams: ServerResponse[] = [];
  const server = await startEngineServer(engine, (request, response) => {
    const path = request.url ?? "";
    const kind: Kind = path.endsWith("/events")
      ? "events"
      : path.includes("/result")
        ? "result"
        : "run";
    if (kind === "events") streams.push(response);
    return request.method === "GET" && fault(kind, response, request);
  });
  const clock = createManualClock();
  const client = connectOverNetwork({
    baseUrl: server.url,
    apiKey,
    clock,
    retryPolicy: { ...defaultRetryPolicy, maxAttempts: 1 },
  });
  const followers = createFollowers({ client, clock });
  const { run_id: runId } = await client.createRun(question);
  const attempt = await started.promise;
  return {
    client,
    clock,
    followers,
    runId,
    streams,
    report: attempt.report,
    complete: () => ending.resolve(),
    fail: (error: unknown) => ending.reject(error),
    /** How often each kind of request has been made for the run. */
    count: (kind: Kind) =>
      server.requests.filter((request) => {
        const [, rest] = request.split(`/${runId}`);
        if (rest === undefined) return false;
        return kind === "run" ? rest === "" : rest.startsWith(`/${kind}`);
      }).length,
  };
}

/** The follower, and nothing else, sleeps between two polls. */
const isPausing = (clock: ManualClock) => () =>
  clock.sleepers === 1 && (clock.sleeps.at(-1) ?? Infinity) <= 1_000;
const refuse = (response: ServerResponse) => {
  response.writeHead(503).end("<html>");
  return true;
};
const sendStates = (response: ServerResponse, ...states: object[]) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const state of states) response.write(`data: ${JSON.stringify(state)}\n\n`);
  response.end();
  return true;
};

describe("a run that is followed", () => {
  test("shows its state first, then its progress, and at the end its output", async () => {
    const { followers, runId, report, complete, clock } = await startRun();
    const snapshots = iterate(followers.watch(runId));
    expect(await next(snapshots)).toMatchObject({
      run: { run_id: runId, status: "running" },
      output: null,
      percent: 0,
      latestMessage: null,
      messages: [],
      staleReason: null,
    });
    await report(step("Reading the yearbook"));
    await report({
      type: "task_run.progress_stats",
      progress_meter: 41.5,
      source_stats: {
        num_sources_considered: 9,
        num_sources_read: 2,
        sources_read_sample: ["file:///a"],
      },
    });
    expect(await next(snapshots, ({ percent }) => percent > 0)).toMatchObject({
      percent: 41,
      latestMessage: "Reading the yearbook",
      sourcesRead: 2,
      sourcesConsidered: 9,
      messages: [{ kind: "search", message: "Reading the yearbook" }],
    });
    complete();
    const last = await next(snapshots, ({ run }) => !run.is_active);
    expect(last).toMatchObject({ percent: 100, output: { content: "the answer" } });
    expect(last.run.status).toBe("completed");
    expect(await snapshots.next()).toMatchObject({ done: true });
    expect(clock.sleepers).toBe(0);
  });

  test("ends with a failed run, below 100 percent", async () => {
    const { followers, runId, report, fail } = await startRun();
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    await report(meter(100));
    await next(snapshots, ({ percent }) => percent === 99);
    fail(new ExecutionFailed("The folder is gone."));
    const last = await next(snapshots, ({ run }) => !run.is_active);
    expect(last.run).toMatchObject({ status: "failed", error: { message: "The folder is gone." } });
    expect(last).toMatchObject({ percent: 99, output: null });
    expect(await snapshots.next()).toMatchObject({ done: true });
  });

  test("ends when the run waits for an action from outside", async () => {
    const waiting = {
      run_id: "trun_waiting",
      status: "action_required",
      is_active: false,
      processor: "pro",
    };
    const { followers, runId } = await startRun({
      fault: (kind, response) =>
        kind === "events" && sendStates(response, { type: "task_run.state", run: waiting }),
    });
    const snapshots = await collect(followers.watch(runId));
    expect(snapshots).toHaveLength(1);
    expect(snapshots[0]).toMatchObject({ run: { status: "action_required" }, percent: 0 });
  });

  test("has one stream for fifty watchers, and every one of them sees the end", async () => {
    const { followers, runId, complete, count } = await startRun();
    const watchers = Array.from({ length: 50 }, () => iterate(followers.watch(runId)));
    await Promise.all(watchers.map((watcher) => next(watcher)));
    complete();
    const ends = await Promise.all(
      watchers.map((watcher) => next(watcher, ({ run }) => !run.is_active)),
    );
    expect(new Set(ends.map(({ output }) => output?.content))).toEqual(new Set(["the answer"]));
    expect([count("events"), count("result"), count("run")]).toEqual([1, 0, 0]);
  });

  test("shows a slow watcher only the newest snapshot", async () => {
    const { followers, runId, report, complete } = await startRun();
    const slow = iterate(followers.watch(runId));
    const fast = iterate(followers.watch(runId));
    await Promise.all([next(slow), next(fast)]);
    for (let percent = 1; percent <= 90; percent += 1) await report(meter(percent));
    await next(fast, ({ percent }) => percent === 90);
    expect(await next(slow)).toMatchObject({ percent: 90 });
    complete();
    await next(fast, ({ run }) => !run.is_active);
    expect(await next(slow)).toMatchObject({ percent: 100 });
    expect(await slow.next()).toMatchObject({ done: true });
  });

  test("shows a late watcher what is known at once", async () => {
    const { followers, runId, report, complete } = await startRun();
    const early = iterate(followers.watch(runId));
    await next(early);
    await report(meter(30));
    await next(early, ({ percent }) => percent === 30);
    expect(await next(iterate(followers.watch(runId)))).toMatchObject({ percent: 30 });
    complete();
  });
});

describe("watchers that leave", () => {
  test("one that leaves stops nothing; the last one closes the stream and leaves no timer", async () => {
    const { followers, runId, streams, clock, report, complete, client } = await startRun();
    const first = new AbortController();
    const second = new AbortController();
    const leaving = iterate(followers.watch(runId, { signal: first.signal }));
    const staying = iterate(followers.watch(runId, { signal: second.signal }));
    await Promise.all([next(leaving), next(staying)]);

    const left = errorOf(leaving.next());
    first.abort("had enough");
    expect(await left).toBe("had enough");
    await report(meter(10));
    await next(staying, ({ percent }) => percent === 10);
    expect(streams).toHaveLength(1);
    expect(getEventListeners(first.signal, "abort")).toEqual([]);

    const closed = new Promise((resolve) => streams[0]?.once("close", resolve));
    const alsoLeft = errorOf(staying.next());
    second.abort("me too");
    expect(await alsoLeft).toBe("me too");
    await closed;
    expect(clock.sleepers).toBe(0);

    complete();
    const { output } = await client.retrieveResult(runId, { timeoutSeconds: 20 });
    expect(output.content).toBe("the answer");
  });

  test("leaving by `break` counts as leaving", async () => {
    const { followers, runId, streams, clock, complete } = await startRun();
    for await (const snapshot of followers.watch(runId)) {
      expect(snapshot.run.is_active).toBe(true);
      break;
    }
    await new Promise<void>((resolve) => {
      if (streams[0]?.closed === true) resolve();
      else streams[0]?.once("close", resolve);
    });
    expect(clock.sleepers).toBe(0);
    complete();
  });

  test("an abort before the start throws at once and asks the backend nothing", async () => {
    const { followers, runId, count, complete } = await startRun();
    const watch = followers.watch(runId, { signal: AbortSignal.abort("never mind") });
    expect(await errorOf(collect(watch))).toBe("never mind");
    expect(count("events")).toBe(0);
    complete();
  });

  test("who comes back finds the percent where it was, and no message twice", async () => {
    const { followers, runId, report, complete } = await startRun();
    const before = iterate(followers.watch(runId));
    await next(before);
    await report(step("one"));
    await report(meter(60));
    await next(before, ({ percent }) => percent === 60);
    await before.return?.();

    const snapshots = iterate(followers.watch(runId));
    expect(await next(snapshots)).toMatchObject({ percent: 60, messages: [{ message: "one" }] });
    await report(step("two"));
    const after = await next(snapshots, ({ latestMessage }) => latestMessage === "two");
    expect(after.messages.map(({ message }) => message)).toEqual(["one", "two"]);
    complete();
  });
});

describe("a stream that does not hold", () => {
  test("is opened again when it was cut after a while; the replay changes nothing", async () => {
    const { followers, runId, report, complete, streams, clock, count } = await startRun();
    const snapshots = iterate(followers.watch(runId));
    const percents = [(await next(snapshots)).percent];
    await report(step("one"));
    await report(step("two"));
    await report(meter(50));
    percents.push((await next(snapshots, ({ percent }) => percent === 50)).percent);

    clock.advance(31_000);
    streams[0]?.socket?.resetAndDestroy();
    // The meter of the run falls; the replay brings the messages again.
    await report(meter(20));
    await report(step("three"));
    const after = await next(snapshots, (snapshot) => {
      percents.push(snapshot.percent);
      return snapshot.latestMessage === "three";
    });
    expect(after.messages.map(({ message }) => message)).toEqual(["one", "two", "three"]);
    expect(Math.min(...percents.slice(1))).toBe(50);
    expect([count("events"), count("result")]).toEqual([2, 0]);
    complete();
    await next(snapshots, ({ percent }) => percent === 100);
  });

  test("tells no state twice, however often it is replayed", async () => {
    const { client, clock, runId, streams, report, complete } = await startRun();
    const statuses: string[] = [];
    let progressed = deferred();
    const following = followRun({
      runId,
      client,
      clock,
      policy: defaultFollowPolicy,
      log: undefined,
      known: null,
      signal: new AbortController().signal,
      onState: ({ run }) => statuses.push(run.status),
      onProgress: () => progressed.resolve(),
    });
    for (const percent of [10, 20, 30]) {
      progressed = deferred();
      await report(meter(percent));
      await progressed.promise;
      clock.advance(31_000);
      streams.at(-1)?.socket?.resetAndDestroy();
    }
    complete();
    await following;
    expect(streams.length).toBeGreaterThanOrEqual(3);
    expect(statuses).toEqual(["running", "completed"]);
  });

  test("is replaced by long polls when it cannot be opened", async () => {
    const polling = deferred();
    const { followers, runId, complete, count, clock } = await startRun({
      fault(kind, response) {
        if (kind === "result") polling.resolve();
        return kind === "events" && refuse(response);
      },
    });
    const snapshots = iterate(followers.watch(runId));
    expect(await next(snapshots)).toMatchObject({ run: { status: "running" }, staleReason: null });
    await polling.promise;
    complete();
    const last = await next(snapshots, ({ run }) => !run.is_active);
    expect(last).toMatchObject({ percent: 100, output: { content: "the answer" } });
    expect(await snapshots.next()).toMatchObject({ done: true });
    expect([count("events"), count("run"), count("result")]).toEqual([1, 1, 1]);
    expect(clock.sleepers).toBe(0);
  });

  test("is tried again after a while", async () => {
    let isDown = true;
    const { followers, runId, report, complete, clock, count } = await startRun({
      fault: (kind, response) =>
        (kind === "result" || (kind === "events" && isDown)) && refuse(response),
    });
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    await report(meter(70));
    isDown = false;
    await clock.until(isPausing(clock));
    clock.advance(60_000);
    await next(snapshots, ({ percent }) => percent === 70);
    expect(count("events")).toBe(2);
    complete();
    await next(snapshots, ({ percent }) => percent === 100);
  });

  test("is given up when it falls silent", async () => {
    const opened = deferred();
    const polling = deferred();
    const { followers, runId, complete, clock, count } = await startRun({
      fault(kind, response) {
        if (kind === "result") polling.resolve();
        if (kind !== "events") return false;
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(": hello\n\n", () => opened.resolve());
        return true;
      },
    });
    const snapshots = iterate(followers.watch(runId));
    const first = next(snapshots);
    await opened.promise;
    clock.advance(60_000);
    expect(await first).toMatchObject({ run: { status: "running" }, staleReason: null });
    await polling.promise;
    expect(count("events")).toBe(1);
    complete();
    await next(snapshots, ({ percent }) => percent === 100);
  });

  test("may end with a completed run and no output: the result is fetched", async () => {
    let run: object = {};
    const started = await startRun({
      fault: (kind, response) =>
        kind === "events" && sendStates(response, { type: "task_run.state", run }),
    });
    const { followers, runId, client, complete, count } = started;
    complete();
    run = (await client.retrieveResult(runId, { timeoutSeconds: 20 })).run;
    const snapshots = await collect(followers.watch(runId));
    expect(snapshots).toHaveLength(1);
    expect(snapshots[0]).toMatchObject({ percent: 100, output: { content: "the answer" } });
    expect(count("result")).toBe(2);
  });

  test("and an error in it, do not decide about the run: the run is read", async () => {
    const { followers, runId, client, complete, count } = await startRun({
      fault: (kind, response) =>
        kind === "events" &&
        sendStates(response, { type: "error", error: { message: "internal trouble" } }),
    });
    complete();
    await client.retrieveResult(runId, { timeoutSeconds: 20 });
    const snapshots = await collect(followers.watch(runId));
    expect(snapshots).toHaveLength(1);
    expect(snapshots[0]).toMatchObject({ run: { status: "completed" }, percent: 100 });
    expect(count("run")).toBe(1);
  });
});

describe("when long polls fail too", () => {
  test("a backend that does not wait is not asked in a tight loop", async () => {
    const { followers, runId, complete, count, clock } = await startRun({
      fault(kind, response) {
        if (kind === "result") response.writeHead(408).end(API_ERROR);
        return kind === "result" || (kind === "events" && refuse(response));
      },
    });
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    await clock.until(isPausing(clock));
    expect([count("result"), count("run")]).toEqual([1, 2]);
    await snapshots.return?.();
    complete();
  });

  test("the run is read again and again, with growing pauses", async () => {
    let resultIsDown = true;
    const { followers, runId, complete, client, clock } = await startRun({
      fault: (kind, response) =>
        (kind === "events" || (kind === "result" && resultIsDown)) && refuse(response),
    });
    const snapshots = iterate(followers.watch(runId));
    expect(await next(snapshots)).toMatchObject({ staleReason: null });
    const pauses = () => clock.sleeps.filter((ms) => ms < 10_000);
    for (const nth of [1, 2, 3]) {
      await clock.until(() => pauses().length === nth && clock.sleepers === 1);
      clock.advance(pauses().at(-1) ?? 0);
    }
    await clock.until(() => pauses().length === 4);
    expect(pauses()).toEqual(pauses().toSorted((a, b) => a - b));
    expect(pauses()[3]).toBeGreaterThan(5_000);

    resultIsDown = false;
    complete();
    await client.retrieveResult(runId, { timeoutSeconds: 20 });
    const last = next(snapshots, ({ run }) => !run.is_active);
    clock.advance(8_000);
    expect(await last).toMatchObject({ percent: 100, output: { content: "the answer" } });
  });

  test("a failed run, whose result is a 404, is told from an unknown one", async () => {
    const polling = deferred();
    const { followers, runId, fail } = await startRun({
      fault(kind, response) {
        if (kind === "result") polling.resolve();
        return kind === "events" && refuse(response);
      },
    });
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    await polling.promise;
    fail(new ExecutionFailed("The folder is gone."));
    const last = next(snapshots, ({ run }) => !run.is_active);
    expect(await last).toMatchObject({ run: { status: "failed" }, output: null });
  });

  test("a completed run whose output the backend did not keep ends without it", async () => {
    const { followers, runId, client, complete } = await startRun({
      fault(kind, response) {
        if (kind === "result" && isGone) {
          response.writeHead(404).end(API_ERROR);
          return true;
        }
        return kind === "events" && refuse(response);
      },
    });
    let isGone = false;
    complete();
    await client.retrieveResult(runId, { timeoutSeconds: 20 });
    isGone = true;
    const snapshots = await collect(followers.watch(runId));
    expect(snapshots).toHaveLength(1);
    expect(snapshots[0]).toMatchObject({ run: { status: "completed" }, output: null });
  });
});

describe("a backend that does not answer", () => {
  test("is waited for, said in the snapshot, and forgotten when it is back", async () => {
    let isDown = false;
    const { followers, runId, report, complete, streams, clock } = await startRun({
      fault(_kind, response) {
        if (isDown) response.socket?.resetAndDestroy();
        return isDown;
      },
    });
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    isDown = true;
    streams[0]?.socket?.resetAndDestroy();
    const lost = await next(snapshots, ({ staleReason }) => staleReason !== null);
    expect(lost.staleReason).toMatch(
      /^The connection to the backend broke \(\w+\)\. No answer since 2026-11-24T12:00:00\.000Z\.$/,
    );
    expect(lost.run.status).toBe("running");

    await report(meter(80));
    isDown = false;
    await clock.until(isPausing(clock));
    clock.advance(1_000);
    expect(await next(snapshots)).toMatchObject({ staleReason: null });
    await next(snapshots, ({ percent }) => percent === 80);

    isDown = true;
    streams.at(-1)?.socket?.resetAndDestroy();
    const lostAgain = await next(snapshots, ({ staleReason }) => staleReason !== null);
    expect(lostAgain.staleReason).toContain("since 2026-11-24T12:00:01.000Z");
    isDown = false;
    await clock.until(isPausing(clock));
    clock.advance(1_000);
    complete();
    await next(snapshots, ({ percent }) => percent === 100);
    expect(await snapshots.next()).toMatchObject({ done: true });
    expect(clock.sleepers).toBe(0);
  });

  test("is left alone for as long as it asks", async () => {
    let isBusy = false;
    const { followers, runId, complete, streams, clock } = await startRun({
      fault(_kind, response) {
        if (isBusy) response.writeHead(429, { "retry-after": "45" }).end();
        return isBusy;
      },
    });
    const snapshots = iterate(followers.watch(runId));
    await next(snapshots);
    isBusy = true;
    streams[0]?.socket?.resetAndDestroy();
    await next(snapshots, ({ staleReason }) => staleReason !== null);
    await clock.until(() => clock.sleeps.at(-1) === 45_000);
    await snapshots.return?.();
    expect(clock.sleepers).toBe(0);
    complete();
  });

  test("is not waited for by anyone once the last watcher leaves", async () => {
    let isDown = false;
    const { followers, runId, complete, streams, clock } = await startRun({
      fault: (_kind, response) => isDown && refuse(response),
    });
    const leaving = new AbortController();
    const snapshots = iterate(followers.watch(runId, { signal: leaving.signal }));
    await next(snapshots);
    isDown = true;
    streams[0]?.socket?.resetAndDestroy();
    await next(snapshots, ({ staleReason }) => staleReason !== null);
    await clock.until(isPausing(clock));
    const left = errorOf(snapshots.next());
    leaving.abort("had enough");
    expect(await left).toBe("had enough");
    expect(clock.sleepers).toBe(0);
    complete();
  });

  test("from the beginning is an error: there is nothing to show yet", async () => {
    const { followers, runId, complete } = await startRun({
      fault(_kind, response) {
        response.socket?.resetAndDestroy();
        return true;
      },
    });
    expect(await errorOf(collect(followers.watch(runId)))).toBeInstanceOf(BackendUnreachable);
    complete();
  });
});

describe("what makes waiting pointless reaches every watcher", () => {
  test("an unknown run", async () => {
    const { followers, count, complete } = await startRun();
    const errors = await Promise.all(
      [1, 2, 3].map(() => errorOf(collect(followers.watch("trun_unknown")))),
    );
    for (const error of errors) expect(error).toBeInstanceOf(RunNotFound);
    expect(count("events")).toBe(0);
    complete();
  });

  test("a key that is no longer accepted", async () => {
    let isRevoked = false;
    const { followers, runId, streams, complete } = await startRun({
      fault(_kind, response) {
        if (isRevoked) response.writeHead(401).end(API_ERROR);
        return isRevoked;
      },
    });
    const watchers = [1, 2].map(() => iterate(followers.watch(runId)));
    await Promise.all(watchers.map((watcher) => next(watcher)));
    isRevoked = true;
    const errors = watchers.map((watcher) => errorOf(next(watcher, () => false)));
    streams[0]?.socket?.resetAndDestroy();
    for (const error of errors) expect(await error).toBeInstanceOf(Unauthorized);
    complete();
  });
});
