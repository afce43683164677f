import { expect, test } from "vitest";
import { createLatestValue } from "../../src/client/follow/latest-value.ts";
import { errorOf } from "./capture.ts";

test("a slow reader finds only the newest value, and the end after it", async () => {
  const latest = createLatestValue<number>();
  latest.publish(1);
  const first = await latest.after(null, undefined);
  expect(first).toEqual({ value: 1 });
  for (let value = 2; value <= 1_000; value += 1) latest.publish(value);
  latest.end();
  const last = await latest.after(first, undefined);
  expect(last).toEqual({ value: 1_000 });
  expect(await latest.after(last, undefined)).toBeNull();
});

test("equal values one after the other are two changes", async () => {
  const latest = createLatestValue<string>();
  latest.publish("same");
  const first = await latest.after(null, undefined);
  latest.publish("same");
  expect(await latest.after(first, undefined)).toEqual({ value: "same" });
});

test("a reader that waits is woken by a value, the end, a failure, and its own abort", async () => {
  const latest = createLatestValue<number>();
  const next = latest.after(null, undefined);
  latest.publish(7);
  const seen = await next;
  expect(seen).toEqual({ value: 7 });
  const end = latest.after(seen, undefined);
  latest.end();
  expect(await end).toBeNull();

  const failing = createLatestValue<number>();
  const failed = errorOf(failing.after(null, undefined));
  failing.fail(new Error("gone"));
  expect(await failed).toEqual(new Error("gone"));

  const silent = createLatestValue<number>();
  const leaving = new AbortController();
  const left = errorOf(silent.after(null, leaving.signal));
  leaving.abort("had enough");
  expect(await left).toBe("had enough");
});
