import { expect, test } from "vitest";
import { createGroupObserver, createRunObserver } from "../../src/mcp/runs/observe-progress.ts";
import type { PriceList } from "../../src/mcp/runs/price-list.ts";
import { snapshotOf } from "../../src/mcp/runs/read-run.ts";
import { TaskGroup } from "../../src/task-api/task-group.ts";
import { TaskRun } from "../../src/task-api/run.ts";
import { createManualClock } from "../client/manual-clock.ts";

function run(more: object = {}) {
  return TaskRun.parse({
    run_id: "trun_1",
    status: "running",
    is_active: true,
    processor: "core",
    created_at: "2026-11-24T12:00:00Z",
    ...more,
  });
}

function watchedRun(usual?: { from: number; to: number }) {
  const clock = createManualClock(Date.parse("2026-11-24T12:00:35Z"));
  const prices: PriceList = {
    priceUsd: () => undefined,
    usualSeconds: () => usual,
    caveat: "",
    settled: async () => {},
  };
  return { clock, observe: createRunObserver(prices, clock) };
}

test("a run's time counts from its start, not from that of the wait, beside the usual time", () => {
  const { clock, observe } = watchedRun({ from: 15, to: 180 });
  const { facts } = observe({ ...snapshotOf(run()), sourcesRead: 12, sourcesConsidered: 40 });
  expect(facts(clock.elapsedMs())).toEqual([
    "12 of 40 sources read",
    "35 s of usually 15 s to 3 min",
  ]);
  clock.advance(55_000);
  expect(facts(clock.elapsedMs())[1]).toBe("90 s of usually 15 s to 3 min");
});

test.each([
  ["no usual time", undefined, {}, "35 s so far"],
  ["a usual time from 0", { from: 0, to: 100 }, {}, "35 s of usually up to 1.7 min"],
  ["no time of creation", undefined, { created_at: null }, "0 s so far"],
  ["a backend that is ahead", undefined, { created_at: "2026-11-24T13:00:00Z" }, "0 s so far"],
])("%s", (_, usual, more, fact) => {
  const { clock, observe } = watchedRun(usual);
  expect(observe(snapshotOf(run(more))).facts(clock.elapsedMs())).toEqual([fact]);
});

test.each([
  ["queued", "queued"],
  ["running", "Reading"],
  ["cancelling", "cancelling"],
  ["action_required", "action_required"],
  ["failed", "failed"],
  ["completed", "Reading"],
])("the step of a run that is %s: %s", (status, step) => {
  const { observe } = watchedRun();
  expect(observe({ ...snapshotOf(run({ status })), latestMessage: "Reading" }).step).toBe(step);
});

function group(counts: Record<string, number>) {
  const num_task_runs = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const is_active = (counts["running"] ?? 0) + (counts["queued"] ?? 0) > 0;
  return TaskGroup.parse({
    taskgroup_id: "tgrp_1",
    status: { num_task_runs, is_active, task_run_status_counts: counts },
  });
}

test("a group is told in runs, with their rate since the wait began and the time that is left", () => {
  const clock = createManualClock();
  const observe = createGroupObserver(clock);
  const factsOf = (counts: Record<string, number>) => {
    const { done, total, step, facts } = observe(group(counts));
    return [done, total, step, ...facts(clock.elapsedMs())];
  };
  expect(factsOf({ completed: 36, queued: 364 })).toEqual([
    36,
    400,
    "36 of 400 runs done",
    "0 s so far",
  ]);
  clock.advance(20_000);
  expect(factsOf({ completed: 118, failed: 2, running: 30, queued: 250 })).toEqual([
    120,
    400,
    "120 of 400 runs done (2 failed)",
    "4.2 runs/s",
    "about 67 s left",
  ]);
  clock.advance(220_000);
  expect(factsOf({ completed: 130, cancelled: 1, cancelling: 3, queued: 266 })).toEqual([
    131,
    400,
    "131 of 400 runs done (1 cancelled, 3 cancelling)",
    "24 runs/min",
    "about 11.3 min left",
  ]);
});

test("runs that wait for an answer are neither done nor counted in the time left", () => {
  const clock = createManualClock();
  const observe = createGroupObserver(clock);
  observe(group({ queued: 10 }));
  clock.advance(5_000);
  const { done, step, facts } = observe(group({ completed: 5, action_required: 2, running: 3 }));
  expect(done).toBe(5);
  expect(step).toBe("5 of 10 runs done (2 action_required)");
  expect(facts(clock.elapsedMs())).toEqual(["1 runs/s", "about 3 s left"]);
});

test("the time that is left grows while no run ends", () => {
  const clock = createManualClock();
  const observe = createGroupObserver(clock);
  observe(group({ queued: 10 }));
  clock.advance(5_000);
  const { facts } = observe(group({ completed: 5, running: 5 }));
  clock.advance(5_000);
  expect(facts(clock.elapsedMs())).toEqual(["30 runs/min", "about 10 s left"]);
});
