import { expect, test } from "vitest";
import { DeadlinePassed, startDeadline, withDeadline } from "../../src/runtime/deadline.ts";
import { createManualClock } from "../client/manual-clock.ts";

const start = (totalMs?: number) => {
  const clock = createManualClock();
  const deadline = startDeadline({ clock, ms: 30_000, totalMs, signal: undefined });
  return { clock, deadline };
};

test("a clock that is set back by an hour leaves a limit of 30 s what it is", () => {
  const { clock, deadline } = start();
  clock.advance(10_000);
  clock.setBack(3_600_000);
  clock.advance(19_999);
  expect(deadline.hasPassed()).toBe(false);
  clock.advance(1);
  expect(deadline.hasPassed()).toBe(true);
  expect(deadline.signal.aborted).toBe(true);
});

test("a limit of the whole passes however often there is a sign of life", () => {
  const { clock, deadline } = start(60_000);
  for (let second = 0; second < 59; second += 1) {
    clock.advance(1_000);
    deadline.touch();
  }
  expect(deadline.hasPassed()).toBe(false);
  clock.advance(1_000);
  expect(deadline.hasPassed()).toBe(true);
});

/** Work that ends only when it is told to. */
const untilTold = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the socket was closed")));
  });

test("work that takes longer than its limit is aborted and reported as late, with what it threw", async () => {
  const clock = createManualClock();
  const late = withDeadline(clock, 5_000, undefined, untilTold);
  clock.advance(5_000);
  await expect(late).rejects.toThrow(DeadlinePassed);
  await expect(late).rejects.toMatchObject({ cause: { message: "the socket was closed" } });
  expect(clock.sleepers).toBe(0);
});

test("work whose caller leaves rejects with the caller's reason", async () => {
  const clock = createManualClock();
  const caller = new AbortController();
  const work = withDeadline(clock, 5_000, caller.signal, untilTold);
  caller.abort(new Error("the caller left"));
  await expect(work).rejects.toThrow("the caller left");
  expect(clock.sleepers).toBe(0);
});

test("work that fails in time rejects with its own error, and leaves no timer", async () => {
  const clock = createManualClock();
  const failed = withDeadline(clock, 5_000, undefined, () => Promise.reject(new Error("broken")));
  await expect(failed).rejects.toThrow("broken");
  expect(clock.sleepers).toBe(0);
});
