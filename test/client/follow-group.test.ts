import { describe, expect, test } from "vitest";
import { BackendUnreachable, GroupNotFound } from "../../src/client/errors.ts";
import type { GroupSnapshot } from "../../src/client/follow/snapshots.ts";
import { createGroupFollowers } from "../../src/client/follow/followers.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { collect, errorOf, iterate, next } from "./capture.ts";
import { type Fault, startFaultyProxy } from "./faulty-proxy.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";
import { type ManualClock, createManualClock } from "./manual-clock.ts";

type Kind = "events" | "group";

/** A group on the real engine whose runs end when the test says so, and followers that reach it over a faulty proxy. */
async function startGroup(profile: Profile, size = 2) {
  const endings = Array.from({ length: size }, () => deferred());
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      await Promise.race([endings[Number(input.input)]?.promise, untilAborted(signal)]);
      return textResult("done");
    },
    { profile, concurrency: size },
  );
  let faultOf: (kind: Kind) => Fault | null = () => null;
  const kindOf = (path: string): Kind => (path.includes("/events") ? "events" : "group");
  const proxy = await startFaultyProxy({
    target: engine.fetch,
    faults: ({ path }) => faultOf(kindOf(path)),
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
  const { taskgroup_id: id } = await direct.createGroup({ metadata: { project: "gdp" } });
  const inputs = endings.map((_ending, index) => ({ input: `${index}`, processor: "base" }));
  await direct.addRuns(id, { inputs });
  return {
    id,
    clock,
    direct,
    followers: createGroupFollowers({ client, clock }),
    complete: (index: number) => endings[index]?.resolve(),
    completeAll: () => endings.forEach(({ resolve }) => resolve()),
    setFaults: (chosen: typeof faultOf) => (faultOf = chosen),
    count: (kind: Kind) => proxy.requests.filter(({ path }) => kindOf(path) === kind).length,
  };
}

/** The follower, and nothing else, sleeps between two reads. */
const isPausing = (clock: ManualClock) => () =>
  clock.sleepers === 1 && (clock.sleeps.at(-1) ?? Infinity) < 10_000;
const completed = ({ group }: GroupSnapshot) =>
  group.status.task_run_status_counts["completed"] ?? 0;
const isOver = ({ group }: GroupSnapshot) => !group.status.is_active;

describe.each<[Profile]>([["hosted"], ["extended"]])("in the %s profile, a group", (profile) => {
  test("shows how far it is, then that it is over, and its watchers share one stream", async () => {
    const { followers, id, complete, clock, count } = await startGroup(profile);
    const watchers = Array.from({ length: 20 }, () => iterate(followers.watch(id)));
    const [first] = await Promise.all(watchers.map((watcher) => next(watcher)));
    expect(first).toMatchObject({
      group: { taskgroup_id: id, metadata: { project: "gdp" }, status: { num_task_runs: 2 } },
      staleReason: null,
    });
    complete(0);
    const half = await Promise.all(
      watchers.map((watcher) => next(watcher, (s) => completed(s) === 1)),
    );
    expect(half[7]).toMatchObject({ group: { metadata: { project: "gdp" } } });
    complete(1);
    for (const watcher of watchers) {
      expect(completed(await next(watcher, isOver))).toBe(2);
      expect(await watcher.next()).toMatchObject({ done: true });
    }
    expect([count("events"), count("group")]).toEqual([1, 2]);
    expect(clock.sleepers).toBe(0);
  });

  test("that is over before anyone watches is one snapshot, and no stream", async () => {
    const { followers, id, completeAll, direct, count } = await startGroup(profile);
    completeAll();
    await collect(direct.streamGroupEvents(id, {}));
    const snapshots = await collect(followers.watch(id));
    expect(snapshots.map(completed)).toEqual([2]);
    expect(count("events")).toBe(0);
  });

  test.each<[Fault]>([["garbage"], ["unknown-events"]])(
    "is not thrown off by %s in its stream",
    async (fault) => {
      const { followers, id, complete, setFaults, count } = await startGroup(profile);
      setFaults((kind) => (kind === "events" ? fault : null));
      const snapshots = iterate(followers.watch(id));
      await next(snapshots);
      complete(0);
      await next(snapshots, (snapshot) => completed(snapshot) === 1);
      complete(1);
      expect(completed(await next(snapshots, isOver))).toBe(2);
      expect(count("events")).toBe(1);
    },
  );

  test.each<[Fault]>([["drop-midway"], ["503-before"], ["drop-before"]])(
    "whose stream meets with %s is read now and then instead",
    async (fault) => {
      const { followers, id, complete, setFaults, clock, direct } = await startGroup(profile);
      setFaults((kind) => (kind === "events" ? fault : null));
      const snapshots = iterate(followers.watch(id));
      await next(snapshots);
      for (const [index, pauseMs] of [1_000, 2_000].entries()) {
        await clock.until(() => clock.sleepers === 1 && (clock.sleeps.at(-1) ?? 0) <= pauseMs);
        complete(index);
        await waitForCompleted(direct, id, index + 1);
        clock.advance(pauseMs);
        const snapshot = await next(snapshots, (seen) => completed(seen) === index + 1);
        expect(snapshot).toMatchObject({ staleReason: null });
      }
      expect(await snapshots.next()).toMatchObject({ done: true });
      expect(clock.sleepers).toBe(0);
    },
  );

  test.each<[Fault]>([["stall-before"], ["stall-midway"], ["buffer-body"]])(
    "whose stream meets with %s is read once the stream has been silent for too long",
    async (fault) => {
      const { followers, id, complete, setFaults, clock, direct } = await startGroup(profile);
      setFaults((kind) => (kind === "events" ? fault : null));
      const snapshots = iterate(followers.watch(id));
      await next(snapshots);
      complete(0);
      const half = next(snapshots, (snapshot) => completed(snapshot) === 1);
      // The engine's own count must be there before the only read is made.
      await waitForCompleted(direct, id, 1);
      // First the limit of a stream's beginning, then that of its silence.
      await clock.until(() => clock.sleeps.includes(10_000) && clock.sleepers === 1);
      clock.advance(10_000);
      clock.advance(60_000);
      await half;
    },
  );
});

/** Resolves when so many runs of the group are completed. */
async function waitForCompleted(
  client: Awaited<ReturnType<typeof startGroup>>["direct"],
  id: string,
  wanted: number,
): Promise<void> {
  for await (const event of client.streamGroupEvents(id, {})) {
    if (event.type !== "task_group_status") continue;
    if ((event.status.task_run_status_counts["completed"] ?? 0) >= wanted) return;
  }
}

test("a stream that ends while runs are active is opened again, from where it was", async () => {
  const { id, direct, completeAll } = await startGroup("hosted");
  const clock = createManualClock();
  const opened: unknown[] = [];
  // The real stream, told to end at once: what a server does whose window is over.
  const client = {
    ...direct,
    streamGroupEvents: (groupId: string, query: { lastEventId?: string }) => {
      opened.push(query.lastEventId);
      return direct.streamGroupEvents(groupId, { ...query, timeoutSeconds: 0 });
    },
  };
  const snapshots = iterate(createGroupFollowers({ client, clock }).watch(id));
  await next(snapshots);
  const last = next(snapshots, isOver);
  await clock.until(isPausing(clock));
  completeAll();
  await waitForCompleted(direct, id, 2);
  clock.advance(1_000);
  expect(completed(await last)).toBe(2);
  expect(opened[0]).toBeUndefined();
  expect(opened[1]).toMatch(/^\d+-status$/);
});

test("a place in the stream that the backend no longer knows is forgotten", async () => {
  const { id, direct, completeAll } = await startGroup("extended");
  const clock = createManualClock();
  const places: unknown[] = [];
  const openedThrice = deferred();
  const client = {
    ...direct,
    streamGroupEvents(groupId: string, { lastEventId }: { lastEventId?: string }) {
      if (places.push(lastEventId) === 3) openedThrice.resolve();
      return direct.streamGroupEvents(
        groupId,
        lastEventId === undefined ? { timeoutSeconds: 0 } : { lastEventId: "expired" },
      );
    },
  };
  const leaving = new AbortController();
  const { signal } = leaving;
  const watching = errorOf(collect(createGroupFollowers({ client, clock }).watch(id, { signal })));
  // A stream that ended, one that was refused, then reads for a minute, then a stream from the beginning.
  for (const nth of [1, 2, 3]) {
    await clock.until(() => clock.sleeps.length === nth);
    clock.advance(30_000);
  }
  await openedThrice.promise;
  expect(places).toEqual([undefined, expect.stringMatching(/-status$/), undefined]);
  leaving.abort("seen enough");
  expect(await watching).toBe("seen enough");
  completeAll();
});

test("runs added at the last moment keep the group going", async () => {
  const { id, direct, completeAll } = await startGroup("extended");
  const addOne = () => direct.addRuns(id, { inputs: [{ input: "none", processor: "base" }] });
  let added: ReturnType<typeof addOne> | undefined;
  const client = {
    ...direct,
    async *streamGroupEvents(...args: Parameters<typeof direct.streamGroupEvents>) {
      for await (const event of direct.streamGroupEvents(...args)) {
        const isLast = event.type === "task_group_status" && !event.status.is_active;
        // Someone adds a run between the end that the stream tells of and the read that decides.
        if (isLast) await (added ??= addOne());
        yield event;
      }
    },
  };
  const snapshots = iterate(createGroupFollowers({ client }).watch(id));
  await next(snapshots);
  completeAll();
  const last = await next(snapshots, isOver);
  expect(added).toBeDefined();
  expect(last.group.status).toMatchObject({ num_task_runs: 3, is_active: false });
  expect(await snapshots.next()).toMatchObject({ done: true });
});

describe("watchers of a group", () => {
  test("that leave stop nothing; the last one closes the stream and leaves no timer", async () => {
    const { followers, id, clock, completeAll } = await startGroup("hosted");
    const first = new AbortController();
    const second = new AbortController();
    const leaving = iterate(followers.watch(id, { signal: first.signal }));
    const staying = iterate(followers.watch(id, { signal: second.signal }));
    await Promise.all([next(leaving), next(staying)]);
    const left = errorOf(leaving.next());
    first.abort("had enough");
    expect(await left).toBe("had enough");
    const alsoLeft = errorOf(staying.next());
    second.abort("me too");
    expect(await alsoLeft).toBe("me too");
    await clock.until(() => clock.sleepers === 0);
    completeAll();
  });

  test("learn what makes watching pointless", async () => {
    const { followers, id, setFaults, completeAll } = await startGroup("hosted");
    expect(await errorOf(collect(followers.watch("tgrp_unknown")))).toBeInstanceOf(GroupNotFound);
    setFaults(() => "drop-before");
    expect(await errorOf(collect(followers.watch(id)))).toBeInstanceOf(BackendUnreachable);
    completeAll();
  });

  test("are told of an outage, and of its end", async () => {
    const { followers, id, setFaults, clock, completeAll } = await startGroup("extended");
    setFaults((kind) => (kind === "events" ? "503-before" : null));
    const snapshots = iterate(followers.watch(id));
    await next(snapshots);
    await clock.until(isPausing(clock));
    setFaults(() => "503-before");
    clock.advance(1_000);
    const lost = await next(snapshots, ({ staleReason }) => staleReason !== null);
    expect(lost.staleReason).toBe(
      "The backend failed (status 503). No answer since 2026-11-24T12:00:01.000Z.",
    );
    expect(lost.group.status.num_task_runs).toBe(2);
    await clock.until(isPausing(clock));
    setFaults(() => null);
    clock.advance(2_000);
    expect(await next(snapshots)).toMatchObject({ staleReason: null });
    completeAll();
    expect(completed(await next(snapshots, isOver))).toBe(2);
  });
});
