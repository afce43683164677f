import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Observation,
  type Progress,
  createProgressReporter,
  nextDueAt,
  observe,
  startProgress,
  takeProgress,
} from "../../src/mcp/runs/progress.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";

function running(more: Partial<Observation> = {}): Observation {
  return { done: 0, total: 100, isCompleted: false, step: "running", facts: () => [], ...more };
}

const RUN = "Run trun_1";

/** What is sent when each of these is observed after a pause, and taken whenever a notification is due. */
function play(observations: readonly (Partial<Observation> & { pauseMs: number })[]) {
  let now = 0;
  let state = startProgress(RUN, now);
  const sent: { at: number; progress: Progress }[] = [];
  const takeUntil = (until: number) => {
    for (let due = nextDueAt(state); due <= until; due = nextDueAt(state)) {
      now = Math.max(now, due);
      const taken = takeProgress(state, now);
      if (taken === null) throw new Error("a notification was due, and there is none");
      state = taken.state;
      sent.push({ at: now, progress: taken.progress });
    }
    now = until;
  };
  for (const { pauseMs, ...observation } of observations) {
    takeUntil(now + pauseMs);
    state = observe(state, running(observation));
  }
  takeUntil(now + 10_000);
  return sent;
}

const valuesOf = (sent: ReturnType<typeof play>) => sent.map(({ progress }) => progress.progress);

test("progress strictly rises, has two decimals at most and comes every 2 s at most, whatever is observed", () => {
  const anything = fc.record({
    pauseMs: fc.nat(30_000),
    done: fc.double({ min: -10, max: 3_000, noNaN: true }),
    total: fc.nat(2_000),
    isCompleted: fc.boolean(),
    step: fc.constantFrom("one", "two"),
  });
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 100 }), (observations) => {
      let before = { at: -2_000, progress: -1 };
      for (const { at, progress: sent } of play(observations)) {
        const { progress, total = Infinity } = sent;
        expect(progress).toBeGreaterThan(before.progress);
        expect(progress).toBe(Number(progress.toFixed(2)));
        expect(progress).toBeLessThanOrEqual(total);
        expect(at - before.at).toBeGreaterThanOrEqual(2_000);
        before = { at, progress };
      }
    }),
    { seed: 12, numRuns: load({ full: 500, short: 50 }) },
  );
});

test("only what is completed arrives", () => {
  expect(valuesOf(play([{ pauseMs: 1, done: 100 }]))).toEqual([99, 99.01]);
  expect(valuesOf(play([{ pauseMs: 1, done: 100, isCompleted: true }]))).toEqual([100]);
});

test("a meter that stands still claims nothing: a quarter of an hour does not reach the next percent", () => {
  const quiet = play([
    { pauseMs: 1, done: 41.7 },
    { pauseMs: 900_000, done: 41.9 },
  ]);
  expect(valuesOf(quiet).slice(0, 3)).toEqual([41, 41.01, 41.02]);
  expect(valuesOf(quiet).at(-1)).toBe(41.91);
});

test("a total that grows is said, and the progress still rises", () => {
  const sent = play([
    { pauseMs: 1, done: 12, total: 12 },
    { pauseMs: 3_000, done: 11, total: 20 },
    { pauseMs: 3_000, done: 15, total: 20 },
  ]).map(({ progress }) => [progress.progress, progress.total]);
  expect(sent.slice(0, 3)).toEqual([
    [11, 12],
    [11.01, 20],
    [15, 20],
  ]);
});

test("without room to rise nothing is sent", () => {
  const state = observe(startProgress(RUN, 0), running({ done: 0, total: 0 }));
  expect(takeProgress(state, 0)).toBeNull();
  expect(nextDueAt({ ...state, sent: { at: 0, hundredths: 0 } })).toBe(Infinity);
});

test("a message stays one line of under 200 characters, however long the step is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (step) => {
      const facts = () => ["12 of 345 sources read", "35 s so far"];
      const state = observe(startProgress(RUN, 0), running({ step, facts }));
      const message = takeProgress(state, 0)?.progress.message ?? "";
      expect(message.length).toBeLessThan(200);
      expect(message).toMatch(/^[^\n\r]* · 12 of 345 sources read · 35 s so far$/);
    }),
    { seed: 12 },
  );
});

test("another whole percent and another step are due 2 s after the last notification, all else 10 s after it", () => {
  const due = (more: Partial<Observation>) => {
    const before = { ...startProgress(RUN, 0), observation: running(), hasChanged: false };
    return nextDueAt(observe({ ...before, sent: { at: 5_000, hundredths: 0 } }, running(more)));
  };
  expect(due({ done: 1 })).toBe(7_000);
  expect(due({ step: "Reading" })).toBe(7_000);
  expect(due({ done: 0.9, facts: () => ["3 sources read"] })).toBe(15_000);
});

function report(send?: (progress: Progress) => Promise<void>) {
  const clock = createManualClock();
  const sent: Progress[] = [];
  const reporter = createProgressReporter({
    subject: RUN,
    clock,
    log: silentLog,
    send: async (progress) => {
      sent.push(progress);
      await send?.(progress);
    },
  });
  return { clock, sent, reporter, messages: () => sent.map(({ message }) => message) };
}

test("the first notification goes out with the first look and names the run", async () => {
  const { clock, sent, reporter } = report();
  await clock.until(() => clock.sleepers === 1);
  expect(sent).toEqual([]);
  reporter.update(running({ done: 28, step: "Reading" }));
  expect(sent).toEqual([{ progress: 28, total: 100, message: "Run trun_1: Reading" }]);
  reporter.stop();
});

test("a look that takes long does not delay the first notification beyond a second", async () => {
  const { clock, sent, reporter } = report();
  await clock.until(() => clock.sleepers === 1);
  clock.advance(1_000);
  await clock.until(() => clock.sleepers === 1);
  expect(sent).toEqual([{ progress: 0, message: "Run trun_1: waiting" }]);
  reporter.stop();
});

test("bursts are sent as their newest, at most one in 2 s", async () => {
  const { clock, messages, reporter } = report();
  reporter.update(running());
  await clock.until(() => clock.sleepers === 1);
  for (const step of ["one", "two", "three"]) reporter.update(running({ step }));
  clock.advance(1_999);
  expect(messages()).toHaveLength(1);
  clock.advance(1);
  await clock.until(() => clock.sleeps.at(-1) === 10_000);
  expect(messages().slice(1)).toEqual(["three"]);
  reporter.stop();
});

test("a quiet run sends heartbeats with the facts as they are then", async () => {
  const { clock, messages, reporter } = report();
  const startedAt = clock.elapsedMs();
  const facts = (nowMs: number) => [`${(nowMs - startedAt) / 1_000} s so far`];
  reporter.update(running({ step: "Reading", facts }));
  await clock.until(() => clock.sleeps.at(-1) === 10_000);
  clock.advance(10_000);
  await clock.until(() => clock.sleepers === 1);
  expect(messages()).toEqual(["Run trun_1: Reading · 0 s so far", "Reading · 10 s so far"]);
  reporter.stop();
});

test("a run that ends within the interval shows what it did before the answer", async () => {
  const { clock, sent, reporter } = report();
  reporter.update(running());
  await clock.until(() => clock.sleepers === 1);
  reporter.update(running({ done: 40, step: "Reading" }));
  reporter.update(running({ done: 100, isCompleted: true, step: "Quoting" }));
  await reporter.finish();
  reporter.stop();
  expect(sent.map(({ progress, message }) => [progress, message])).toEqual([
    [0, "Run trun_1: running"],
    [100, "Quoting"],
  ]);
});

test("nothing new is nothing to finish with", async () => {
  const { clock, sent, reporter } = report();
  reporter.update(running());
  await clock.until(() => clock.sleepers === 1);
  await reporter.finish();
  reporter.stop();
  expect(sent).toHaveLength(1);
});

test("nothing is sent after the stop", async () => {
  const { clock, sent, reporter } = report();
  reporter.update(running());
  await clock.until(() => clock.sleepers === 1);
  reporter.stop();
  reporter.update(running({ done: 50 }));
  clock.advance(60_000);
  await clock.until(() => clock.sleepers === 0);
  expect(sent).toHaveLength(1);
});

test("a client that reads slowly gets fewer notifications, not a queue of them", async () => {
  const read = deferred();
  const { clock, messages, reporter } = report(() => read.promise);
  for (const step of ["one", "two", "three"]) {
    reporter.update(running({ step }));
    clock.advance(5_000);
  }
  expect(messages()).toHaveLength(1);
  read.resolve();
  await clock.until(() => clock.sleepers === 1);
  expect(messages().slice(1)).toEqual(["three"]);
  reporter.stop();
});

test("a send that fails ends the reporting quietly", async () => {
  const failed = deferred();
  const { clock, sent, reporter } = report(async () => {
    failed.resolve();
    throw new Error("the client is gone");
  });
  reporter.update(running());
  await failed.promise;
  await Promise.resolve();
  reporter.update(running({ done: 50 }));
  clock.advance(60_000);
  expect(sent).toHaveLength(1);
});
