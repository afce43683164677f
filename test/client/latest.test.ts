import { expect, test } from "vitest";
import { createLatest } from "../../src/client/latest.ts";
import { errorOf } from "./capture.ts";

test("a slow reader finds only the newest value, and the end after it", async () => {
  const latest = createLatest<number>();
  latest.publish(1);
  const reader = latest.read(undefined);
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  for (let value = 2; value <= 1_000; value += 1) latest.publish(value);
  latest.end();
  expect(await reader.next()).toEqual({ done: false, value: 1_000 });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("equal values one after the other are two changes", async () => {
  const latest = createLatest<string>();
  const reader = latest.read(undefined);
  latest.publish("same");
  await reader.next();
  latest.publish("same");
  expect(await reader.next()).toEqual({ done: false, value: "same" });
});

test("a reader that waits is woken by a value, the end, a failure, and its own abort", async () => {
  const latest = createLatest<number>();
  const reader = latest.read(undefined);
  const value = reader.next();
  latest.publish(7);
  expect(await value).toEqual({ done: false, value: 7 });
  const end = reader.next();
  latest.end();
  expect(await end).toEqual({ done: true, value: undefined });

  const failing = createLatest<number>();
  const failed = errorOf(failing.read(undefined).next());
  failing.fail(new Error("gone"));
  expect(await failed).toEqual(new Error("gone"));

  const silent = createLatest<number>();
  const leaving = new AbortController();
  const left = errorOf(silent.read(leaving.signal).next());
  leaving.abort("had enough");
  expect(await left).toBe("had enough");
});
