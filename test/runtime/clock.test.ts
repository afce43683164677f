import { expect, test } from "vitest";
import { formatTimestamp, systemClock } from "../../src/runtime/clock.ts";

const reason = new Error("enough");

test("a sleep ends when its time has passed", async () => {
  const before = systemClock.now();
  await systemClock.sleep(5);
  // The timer counts whole milliseconds.
  expect(systemClock.now() - before).toBeGreaterThan(3);
});

test("a sleep that is aborted rejects with the reason at once", async () => {
  const abort = new AbortController();
  const asleep = systemClock.sleep(3_600_000, abort.signal);
  abort.abort(reason);
  await expect(asleep).rejects.toBe(reason);
});

test("nobody falls asleep after the abort", async () => {
  await expect(systemClock.sleep(3_600_000, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("times are written with microseconds", () => {
  expect(formatTimestamp(Date.parse("2026-11-24T12:00:00Z") + 1.5)).toBe(
    "2026-11-24T12:00:00.001500Z",
  );
});
