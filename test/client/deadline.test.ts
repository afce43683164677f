import { expect, test } from "vitest";
import { startDeadline } from "../../src/runtime/deadline.ts";
import { createManualClock } from "./manual-clock.ts";

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
