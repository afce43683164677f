import { expect, test } from "vitest";
import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  RateLimited,
  RunStillActive,
  Unauthorized,
  UnreadableAnswer,
} from "../../src/client/errors.ts";
import {
  defaultRetryPolicy,
  retryDelayMs,
  withRetries,
} from "../../src/client/http/retry-policy.ts";
import { createManualClock } from "./manual-clock.ts";

const refused = new BackendUnreachable("refused", { notProcessed: true });
const reset = new BackendUnreachable("reset", { notProcessed: false });
const first = { attempt: 1, elapsedMs: 0 };

test.each([
  ["a refused connection", refused, true, true],
  ["a reset", reset, true, false],
  ["429", new RateLimited("slow down"), true, true],
  ["5xx", new BackendFailed("oops"), true, false],
  ["a timeout", new BackendTimedOut("late"), false, false],
  ["401", new Unauthorized("who"), false, false],
  ["an answer that cannot be read", new UnreadableAnswer("what"), false, false],
  ["408 of a result", new RunStillActive("trun_1"), false, false],
  ["an error that is not the backend's", new TypeError("bug"), false, false],
])("after %s a read is repeated: %s", (_name, error, readRepeats, createRepeats) => {
  const isRepeated = (repeatable: boolean) =>
    retryDelayMs(defaultRetryPolicy, { error, repeatable, ...first }) !== null;
  expect(isRepeated(true)).toBe(readRepeats);
  expect(isRepeated(false)).toBe(createRepeats);
});

test("an answer that holds what was paid for is asked for again when it cannot be read", () => {
  const isRepeated = (error: unknown, repeatable: boolean) =>
    retryDelayMs(defaultRetryPolicy, { error, repeatable, isAnswerVital: true, ...first }) !== null;
  expect(isRepeated(new UnreadableAnswer("cut", { status: 200 }), true)).toBe(true);
  expect(isRepeated(new UnreadableAnswer("cut", { status: 200 }), false)).toBe(false);
  expect(isRepeated(new UnreadableAnswer("elsewhere", { status: 302 }), true)).toBe(false);
});

test("pauses double up to a limit, shortened by at most a quarter", () => {
  const policy = { ...defaultRetryPolicy, maxAttempts: 20, budgetMs: 1_000_000 };
  const full = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000];
  for (const [index, ms] of full.entries()) {
    const failed = { error: reset, repeatable: true, attempt: index + 1, elapsedMs: 0 };
    const delay = retryDelayMs(policy, failed);
    expect(delay).toBeLessThanOrEqual(ms);
    expect(delay).toBeGreaterThanOrEqual(ms * 0.75);
  }
});

test("attempts and time are both bounded", () => {
  const failed = { error: reset, repeatable: true };
  expect(retryDelayMs(defaultRetryPolicy, { ...failed, attempt: 4, elapsedMs: 0 })).toBeNull();
  expect(retryDelayMs(defaultRetryPolicy, { ...failed, attempt: 1, elapsedMs: 14_900 })).toBeNull();
});

test("Retry-After is honoured in full when it fits the budget, and otherwise not waited for", () => {
  const after = (retryAfterMs: number) =>
    retryDelayMs(defaultRetryPolicy, {
      error: new RateLimited("slow down", { retryAfterMs }),
      repeatable: true,
      ...first,
    });
  expect(after(9_000)).toBe(9_000);
  expect(after(60_000)).toBeNull();
  expect(after(0)).toBeGreaterThan(0);
});

test("asking whether a create may be repeated uses up the budget, too", async () => {
  const clock = createManualClock();
  const options = {
    policy: defaultRetryPolicy,
    clock: { ...clock, sleep: async () => {} },
    log: undefined,
    signal: undefined,
  };
  async function repeatable(): Promise<boolean> {
    clock.advance(defaultRetryPolicy.budgetMs);
    return true;
  }
  let attempts = 0;
  const create = withRetries({ repeatable }, options, async () => {
    attempts += 1;
    throw reset;
  });
  await expect(create).rejects.toBe(reset);
  expect(attempts).toBe(1);
});
