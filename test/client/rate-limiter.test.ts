import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { createRateLimiter } from "../../src/client/calls/rate-limiter.ts";
import { errorOf } from "./capture.ts";
import { createManualClock } from "./manual-clock.ts";

/** A minute, and the second that a request may be late. */
const WINDOW_MS = 61_000;

function startLimiter(perMinute: number) {
  const clock = createManualClock();
  const limiter = createRateLimiter({ perMinute, clock });
  const order: string[] = [];
  const take = (name: string, count: number, signal?: AbortSignal) =>
    limiter.take(count, signal).then(() => order.push(name));
  return { clock, order, take };
}

test("what fits the quota is not held back at all", async () => {
  const { clock, take } = startLimiter(2_000);
  await Promise.all([take("a", 1_000), take("b", 999), take("c", 1)]);
  expect(clock.sleeps).toEqual([]);
});

test("what does not fit waits until enough is a minute old, and not longer", async () => {
  const { clock, order, take } = startLimiter(10);
  await take("first", 6);
  clock.advance(20_000);
  await take("second", 4);
  const third = take("third", 5);
  await clock.until(() => clock.sleepers === 1);
  expect(clock.sleeps).toEqual([WINDOW_MS - 20_000]);
  clock.advance(WINDOW_MS - 20_001);
  expect(order).toEqual(["first", "second"]);
  clock.advance(1);
  await third;
  const fourth = take("fourth", 2);
  await clock.until(() => clock.sleepers === 1);
  expect(clock.sleeps.at(-1)).toBe(20_000);
  clock.advance(20_000);
  await fourth;
});

test("a minute never sees more than the quota, whoever comes when", async () => {
  const { clock, take } = startLimiter(100);
  const times: number[] = [];
  const all = Array.from({ length: 350 }, (_, index) =>
    take(`${index}`, 1).then(() => times.push(clock.now())),
  );
  for (const nth of [1, 2, 3]) {
    await clock.until(() => clock.sleeps.length === nth);
    clock.advance(clock.sleeps.at(-1) ?? 0);
  }
  await Promise.all(all);
  for (const at of times) {
    expect(times.filter((other) => other >= at && other < at + 60_000).length).toBeLessThan(101);
  }
});

test("first come, first served: a small one does not overtake a large one", async () => {
  const { clock, order, take } = startLimiter(10);
  await take("first", 8);
  const large = take("large", 9);
  const small = take("small", 1);
  await clock.until(() => clock.sleepers === 1);
  expect(order).toEqual(["first"]);
  clock.advance(WINDOW_MS);
  await Promise.all([large, small]);
  expect(order).toEqual(["first", "large", "small"]);
});

test("more than the quota goes alone", async () => {
  const { clock, order, take } = startLimiter(10);
  await take("first", 1);
  const huge = take("huge", 25);
  const next = take("next", 1);
  await clock.until(() => clock.sleepers === 1);
  clock.advance(WINDOW_MS);
  await huge;
  await clock.until(() => clock.sleepers === 1);
  expect(order).toEqual(["first", "huge"]);
  clock.advance(WINDOW_MS);
  await next;
});

test("whoever leaves the line gives the place to the next, and takes nothing", async () => {
  const { clock, order, take } = startLimiter(10);
  await take("first", 10);
  const leaving = new AbortController();
  const head = errorOf(take("head", 10, leaving.signal));
  const middle = errorOf(take("middle", 10, leaving.signal));
  const last = take("last", 10);
  await clock.until(() => clock.sleepers === 1);
  leaving.abort("had enough");
  expect(await head).toBe("had enough");
  expect(await middle).toBe("had enough");
  expect(getEventListeners(leaving.signal, "abort")).toEqual([]);
  await clock.until(() => clock.sleeps.length === 2);
  clock.advance(WINDOW_MS);
  await last;
  expect(order).toEqual(["first", "last"]);
  expect(clock.sleepers).toBe(0);
});

test("one in the middle of the line leaves at once, too", async () => {
  const { clock, take } = startLimiter(1);
  await take("first", 1);
  void take("head", 1);
  const leaving = new AbortController();
  const middle = errorOf(take("middle", 1, leaving.signal));
  await clock.until(() => clock.sleepers === 1);
  leaving.abort("had enough");
  expect(await middle).toBe("had enough");
});

test("a clock that is set back holds nobody for longer than a minute", async () => {
  const { clock, take } = startLimiter(1);
  await take("first", 1);
  clock.setBack(3_600_000);
  const second = take("second", 1);
  await clock.until(() => clock.sleepers === 1);
  clock.advance(61_000);
  await second;
});
