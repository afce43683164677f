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
} from "../../src/mcp/progress.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";

const running: Observation = {
  status: "running",
  percent: 0,
  latestMessage: null,
  sourcesRead: null,
  sourcesConsidered: null,
  usual: null,
};

test("progress strictly rises and never arrives, whatever the meter does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -10, max: 200, noNaN: true }), { maxLength: 300 }),
      (percents) => {
        let state = startProgress({ name: "Run trun_1" }, 0);
        let last = -1;
        for (const [index, percent] of percents.entries()) {
          state = observe(state, { ...running, percent });
          const taken = takeProgress(state, index * 1_000);
          state = taken.state;
          expect(taken.progress.progress).toBeGreaterThan(last);
          expect(taken.progress.progress).toBeLessThan(100);
          expect(taken.progress.total).toBe(100);
          last = taken.progress.progress;
        }
      },
    ),
  );
});

test("a message stays one line of under 200 characters, however long the step is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (latestMessage) => {
      const state = observe(startProgress({ name: "Run trun_1" }, 0), {
        ...running,
        latestMessage,
        sourcesRead: 12,
        sourcesConsidered: 345,
      });
      const { message } = takeProgress(state, 0).progress;
      expect(message.length).toBeLessThan(200);
      expect(message).toMatch(/^[^\n\r]* · 12 of 345 sources read$/);
    }),
  );
});

test("news is due a second after the last notification, a heartbeat ten seconds after it", () => {
  let state = startProgress({ name: "Run trun_1" }, 5_000);
  expect(nextDueAt(state)).toBe(5_000);
  ({ state } = takeProgress(state, 5_000));
  expect(nextDueAt(state)).toBe(15_000);
  state = observe(state, { ...running, latestMessage: "Reading" });
  expect(nextDueAt(state)).toBe(6_000);
  ({ state } = takeProgress(state, 6_000));
  expect(nextDueAt(observe(state, { ...running, latestMessage: "Reading" }))).toBe(16_000);
});

function report(send?: (progress: Progress) => Promise<void>) {
  const clock = createManualClock();
  const sent: Progress[] = [];
  const reporter = createProgressReporter({
    subject: { name: "Run trun_1" },
    clock,
    log: silentLog,
    send: async (progress) => {
      sent.push(progress);
      await send?.(progress);
    },
  });
  return { clock, sent, reporter, messages: () => sent.map(({ message }) => message) };
}

test("the first notification goes out at once and names the run", async () => {
  const { messages, reporter } = report();
  expect(messages()).toEqual(["Run trun_1: waiting"]);
  reporter.stop();
});

test("bursts are sent as their newest, at most one a second", async () => {
  const { clock, messages, reporter } = report();
  await clock.until(() => clock.sleepers === 1);
  for (const latestMessage of ["one", "two", "three"]) {
    reporter.update({ ...running, latestMessage });
  }
  clock.advance(999);
  expect(messages()).toHaveLength(1);
  clock.advance(1);
  await clock.until(() => clock.sleeps.at(-1) === 10_000);
  expect(messages().slice(1)).toEqual(["three"]);
  reporter.stop();
});

test("a quiet run sends a heartbeat with the time it took so far", async () => {
  const { clock, messages, reporter } = report();
  reporter.update({ ...running, latestMessage: "Reading" });
  await clock.until(() => clock.sleeps.includes(1_000));
  clock.advance(1_000);
  await clock.until(() => clock.sleeps.at(-1) === 10_000);
  clock.advance(10_000);
  await clock.until(() => clock.sleepers === 1);
  expect(messages().slice(1)).toEqual(["Reading", "Reading · still working after 11 s"]);
  reporter.stop();
});

test("a run that ends within the second shows what it did before the answer", async () => {
  const { clock, sent, reporter } = report();
  await clock.until(() => clock.sleepers === 1);
  reporter.update({ ...running, percent: 40, latestMessage: "Reading" });
  reporter.update({ ...running, status: "completed", percent: 100, latestMessage: "Quoting" });
  await reporter.finish();
  reporter.stop();
  expect(sent.map(({ progress, message }) => [progress, message])).toEqual([
    [0, "Run trun_1: waiting"],
    [100, "Quoting"],
  ]);
});

test("nothing new is nothing to finish with", async () => {
  const { sent, reporter } = report();
  await reporter.finish();
  reporter.stop();
  expect(sent).toHaveLength(1);
});

test("nothing is sent after the stop", async () => {
  const { clock, sent, reporter } = report();
  await clock.until(() => clock.sleepers === 1);
  reporter.stop();
  reporter.update({ ...running, percent: 50 });
  clock.advance(60_000);
  await clock.until(() => clock.sleepers === 0);
  expect(sent).toHaveLength(1);
});

test("a client that reads slowly gets fewer notifications, not a queue of them", async () => {
  const read = deferred();
  const { clock, messages, reporter } = report(() => read.promise);
  for (const latestMessage of ["one", "two"]) {
    reporter.update({ ...running, latestMessage });
    clock.advance(5_000);
  }
  expect(messages()).toHaveLength(1);
  read.resolve();
  await clock.until(() => clock.sleepers === 1);
  expect(messages().slice(1)).toEqual(["two"]);
  reporter.stop();
});

test("a send that fails ends the reporting quietly", async () => {
  const failed = deferred();
  const { clock, sent, reporter } = report(async () => {
    failed.resolve();
    throw new Error("the client is gone");
  });
  await failed.promise;
  await Promise.resolve();
  reporter.update({ ...running, percent: 50 });
  clock.advance(60_000);
  expect(sent).toHaveLength(1);
});
