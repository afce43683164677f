import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { type Executor, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { DELIVERY_POLICY, nextAttemptMs } from "../../src/engine/webhooks/delivery-policy.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { call } from "./call-engine.ts";
import { startTestEngine, temporaryFolder, textResult, untilAborted } from "./start-test-engine.ts";
import {
  LOOPBACK,
  createTestLog,
  deliver,
  openOutbox,
  readOnlyDelivery,
  startReceiver,
  status,
} from "./webhooks-receiver.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DELIVERED = "webhook delivered";
const RETRIED = "webhook not delivered; trying again";
const GIVEN_UP = "webhook given up";

/** An outbox that holds the webhook of one completed run, under a clock that only the test moves. */
async function openFilledOutbox(url: string) {
  const clock = createManualClock(Date.now());
  const outbox = await openOutbox(join(await temporaryFolder(), "engine.sqlite"), clock);
  const runId = await outbox.completeRun(url);
  const { log, lines, until } = createTestLog();
  /** Moves the time to when the webhook is due again; answers how long that was. */
  const advanceToRetry = async () => {
    const { next_attempt_ms: at } = await readOnlyDelivery(outbox.db);
    const ms = (at ?? Infinity) - clock.now();
    clock.advance(ms);
    return ms;
  };
  return { ...outbox, clock, runId, log, lines, until, advanceToRetry };
}

describe("the webhook of an engine", () => {
  const webhook = (url: string) => ({ url, event_types: ["task_run.status"] });

  /** A run on a whole engine, created with a webhook to `url`. */
  async function createRun(execute: Executor["execute"], url: string) {
    const engine = await startTestEngine(execute, {
      allowNetworks: LOOPBACK,
      webhookSecrets: [secret],
    });
    const created = await call(engine, "/v1/tasks/runs", {
      input: "What was the GDP of France in 2023?",
      processor: "base",
      metadata: { asked_by: "a test" },
      webhook: webhook(url),
    });
    const path = `/v1/tasks/runs/${created.body.run_id}`;
    return { engine, path };
  }

  test("tells that a run has completed: signed, with the run and without its output", async () => {
    const receiver = await startReceiver();
    const { engine, path } = await createRun(async () => textResult("the answer"), receiver.url);
    await receiver.until(1);

    const [received] = receiver.received;
    const run = (await call(engine, path)).body;
    expect(run).toMatchObject({ status: "completed", metadata: { asked_by: "a test" } });
    expect(JSON.parse(received?.body ?? "")).toEqual({
      timestamp: run.modified_at,
      type: "task_run.status",
      data: run,
    });
    expect(received?.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": expect.stringMatching(/^whevent_[0-9a-f]{32}$/),
      "webhook-timestamp": expect.stringMatching(/^\d{10}$/),
    });
    new Webhook(secret).verify(received?.body ?? "", received?.headers ?? {});
  });

  test("tells that a run has failed, and why", async () => {
    const receiver = await startReceiver();
    await createRun(async () => {
      throw new ExecutionFailed("no document answers this");
    }, receiver.url);
    await receiver.until(1);
    expect(JSON.parse(receiver.received[0]?.body ?? "").data).toMatchObject({
      status: "failed",
      is_active: false,
      error: { message: "no document answers this" },
    });
  });

  test("tells that a run was cancelled", async () => {
    const receiver = await startReceiver();
    const { engine, path } = await createRun(({ signal }) => untilAborted(signal), receiver.url);
    await call(engine, `${path}/cancel`, {});
    await receiver.until(1);
    expect(JSON.parse(receiver.received[0]?.body ?? "").data).toMatchObject({
      status: "cancelled",
    });
  });

  test("is delivered by the next engine when the first one closed in between", async () => {
    const databasePath = join(await temporaryFolder(), "engine.sqlite");
    const receiver = await startReceiver((response, n) => status(n === 1 ? 503 : 204)(response));
    const clock = createManualClock(Date.now());
    const { completeRun, db } = await openOutbox(databasePath, clock);
    await completeRun(receiver.url);
    const start = async () => {
      const { log, until } = createTestLog();
      const options = { databasePath, allowNetworks: LOOPBACK, clock, log };
      return { engine: await startTestEngine(async () => textResult(""), options), until };
    };
    const first = await start();
    await first.until(RETRIED);
    await first.engine.close();

    const second = await start();
    clock.advance(10_000);
    await second.until(DELIVERED);
    const [before, after] = receiver.received;
    expect(after?.headers["webhook-id"]).toBe(before?.headers["webhook-id"]);
    expect(after?.body).toBe(before?.body);
    expect(await readOnlyDelivery(db)).toMatchObject({ next_attempt_ms: null, attempts: 2 });
  });

  test("is sent once, when two engines share the database", async () => {
    const databasePath = join(await temporaryFolder(), "engine.sqlite");
    const receiver = await startReceiver();
    const { log, until } = createTestLog();
    const start = () =>
      startTestEngine(async () => textResult(""), { databasePath, allowNetworks: LOOPBACK, log });
    const engines = [await start(), await start()];
    const created = await Promise.all(
      engines.flatMap((engine) =>
        Array.from({ length: 20 }, () =>
          call(engine, "/v1/tasks/runs", {
            input: "What was the GDP of France in 2023?",
            processor: "base",
            webhook: webhook(receiver.url),
          }),
        ),
      ),
    );
    await until(DELIVERED, 40);
    const told = receiver.received.map(({ body }) => JSON.parse(body).data.run_id);
    expect(told).toHaveLength(created.length);
    expect(new Set(told)).toEqual(new Set(created.map(({ body }) => body.run_id)));
  });
});

test("a run without a webhook, or with one for no event, has nothing in the outbox", async () => {
  const { db, completeRun, runs } = await openOutbox(":memory:", systemClock);
  await completeRun(undefined);
  const [run] = await runs.accept([
    {
      input: {
        input: "?",
        processor: "base",
        webhook: { url: "https://receiver.example/", event_types: [] },
      },
      tenantId: "default",
      taskgroupId: null,
      executorKey: "test",
      warnings: [],
    },
  ]);
  await runs.cancel(run?.runId ?? "");
  expect(await db.selectFrom("webhook_deliveries").selectAll().execute()).toEqual([]);
});

test("a failed webhook is sent again after 5 s, 10 s, 20 s: same id, fresh time, valid signature", async () => {
  const receiver = await startReceiver((response, n) => status(n <= 3 ? 500 : 200)(response));
  const { until, advanceToRetry, log, db, ...outbox } = await openFilledOutbox(receiver.url);
  deliver(outbox, { secrets: [secret], log });
  for (const [index, seconds] of [5, 10, 20].entries()) {
    await until(RETRIED, index + 1);
    const { last_problem: problem } = await readOnlyDelivery(db);
    expect(problem).toBe("the receiver answered (status 500)");
    const waited = await advanceToRetry();
    expect(waited).toBeGreaterThanOrEqual(seconds * 900 - 1);
    expect(waited).toBeLessThanOrEqual(seconds * 1_100);
  }
  await until(DELIVERED);

  expect(receiver.received).toHaveLength(4);
  const headers = receiver.received.map((received) => received.headers);
  expect(new Set(headers.map((header) => header["webhook-id"])).size).toBe(1);
  expect(new Set(headers.map((header) => header["webhook-timestamp"])).size).toBe(4);
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  for (const received of receiver.received) {
    new Webhook(secret).verify(received.body, received.headers);
  }
  expect(await readOnlyDelivery(db)).toMatchObject({
    attempts: 4,
    next_attempt_ms: null,
    last_problem: null,
  });
});

test("attempts are spread over 48 hours, and then the webhook is given up", () => {
  const attemptsAt = [0];
  for (let at: number | null = 0; at !== null;) {
    at = nextAttemptMs({ attempts: attemptsAt.length, createdMs: 0 }, at, () => 0.5);
    if (at !== null) attemptsAt.push(at);
  }
  expect(attemptsAt.slice(0, 5)).toEqual([0, 5_000, 15_000, 35_000, 75_000]);
  expect(attemptsAt).toHaveLength(16);
  expect(attemptsAt.at(-1)).toBeLessThan(48 * 3_600_000);
  expect(attemptsAt.at(-1)).toBeGreaterThan(45 * 3_600_000);
});

test("the delay before a retry is spread by a tenth in both directions", () => {
  const first = (random: number) => nextAttemptMs({ attempts: 1, createdMs: 0 }, 0, () => random);
  expect([first(0), first(0.5), first(1)]).toEqual([4_500, 5_000, 5_500]);
});

test("a webhook whose retries would come too late is given up, with the last problem", async () => {
  const receiver = await startReceiver(status(500));
  const { clock, until, log, db, ...outbox } = await openFilledOutbox(receiver.url);
  clock.advance(DELIVERY_POLICY.retryWindowMs);
  deliver({ clock, ...outbox }, { log });
  await until(GIVEN_UP);
  expect(await readOnlyDelivery(db)).toMatchObject({
    next_attempt_ms: null,
    last_problem: "the receiver answered (status 500)",
  });
});

test("410 Gone ends a webhook at once", async () => {
  const receiver = await startReceiver(status(410));
  const { until, log, db, ...outbox } = await openFilledOutbox(receiver.url);
  deliver(outbox, { log });
  await until(GIVEN_UP);
  expect(receiver.received).toHaveLength(1);
  expect(await readOnlyDelivery(db)).toMatchObject({
    next_attempt_ms: null,
    last_problem: "the receiver is gone (status 410)",
  });
});

test("a redirect is not followed, and counts as a failure", async () => {
  const target = await startReceiver();
  const receiver = await startReceiver((response, n) => {
    if (n === 1) response.setHeader("location", target.url);
    status(n === 1 ? 307 : 200)(response);
  });
  const { until, log, advanceToRetry, ...outbox } = await openFilledOutbox(receiver.url);
  deliver(outbox, { log });
  await until(RETRIED);
  await advanceToRetry();
  await until(DELIVERED);
  expect(target.received).toEqual([]);
});

test("a receiver that does not answer within 10 s gets the webhook again", async () => {
  const receiver = await startReceiver((response, n) => {
    if (n === 2) response.end();
  });
  const { clock, until, log, db, advanceToRetry, ...outbox } = await openFilledOutbox(receiver.url);
  deliver({ clock, ...outbox }, { log });
  await receiver.until(1);
  clock.advance(10_000);
  await until(RETRIED);
  expect(await readOnlyDelivery(db)).toMatchObject({ last_problem: "no answer within 10 s" });
  await advanceToRetry();
  await until(DELIVERED);
});

test("a receiver that nobody listens for is tried again", async () => {
  const { until, log, db, ...outbox } = await openFilledOutbox("http://127.0.0.1:1/hook");
  deliver(outbox, { log });
  await until(RETRIED);
  expect((await readOnlyDelivery(db)).last_problem).toMatch(/could not be reached/);
});

test("the status is enough: a 2xx whose body never ends is an acknowledgement", async () => {
  const receiver = await startReceiver((response) => {
    response.writeHead(202);
    response.write("x".repeat(100_000));
  });
  const { until, log, ...outbox } = await openFilledOutbox(receiver.url);
  deliver(outbox, { log });
  await until(DELIVERED);
});

test("an address that the engine refuses ends a webhook at once, and nothing is sent", async () => {
  const receiver = await startReceiver();
  const { until, log, db, ...outbox } = await openFilledOutbox(receiver.url);
  deliver(outbox, { log, allowNetworks: [] });
  await until(GIVEN_UP);
  expect(receiver.received).toEqual([]);
  expect(await readOnlyDelivery(db)).toMatchObject({
    next_attempt_ms: null,
    last_problem: expect.stringContaining("does not connect to 127.0.0.1"),
  });
});

test("a webhook that was being sent when its engine was killed is sent once the lease is over", async () => {
  const receiver = await startReceiver();
  const { clock, until, log, db, runs } = await openFilledOutbox(receiver.url);
  const { webhook_id: webhookId } = await readOnlyDelivery(db);
  const nowMs = clock.now();
  const untilMs = nowMs + DELIVERY_POLICY.leaseMs;
  const queue = runs.deliveries;
  expect(await queue.claim([webhookId], { nowMs, untilMs })).toHaveLength(1);
  // Nobody else gets it while it is being sent.
  expect(await queue.claim([webhookId], { nowMs, untilMs })).toEqual([]);

  deliver({ clock, runs }, { log });
  await clock.until(() => clock.sleeps.includes(Math.floor(untilMs) - nowMs));
  expect(receiver.received).toEqual([]);
  clock.advance(DELIVERY_POLICY.leaseMs);
  await until(DELIVERED);
});

test("a webhook that is being sent when its engine stops is given back, due at once", async () => {
  const receiver = await startReceiver(() => {});
  const { clock, db, ...outbox } = await openFilledOutbox(receiver.url);
  const delivery = deliver({ clock, ...outbox });
  await receiver.until(1);
  clock.advance(1_000);
  await delivery.stop();
  expect(await readOnlyDelivery(db)).toMatchObject({
    attempts: 0,
    next_attempt_ms: Math.floor(clock.now()),
  });
});

test("what a process that lost its lease reports about a failure is ignored", async () => {
  const { clock, db, runs } = await openFilledOutbox("https://receiver.example/hook");
  const queue = runs.deliveries;
  const { webhook_id: webhookId } = await readOnlyDelivery(db);
  const claim = async () => {
    const nowMs = clock.now();
    const [claimed] = await queue.claim([webhookId], { nowMs, untilMs: nowMs + 20_000 });
    if (claimed === undefined) throw new Error("not claimed");
    return claimed;
  };
  const slow = await claim();
  clock.advance(20_000);
  const next = await claim();
  await queue.retryAt(slow, 1, "slow");
  await queue.giveUp(slow, "slow");
  expect(await readOnlyDelivery(db)).toMatchObject({ attempts: 2, last_problem: null });

  // What was delivered stays delivered, whoever fails afterwards.
  await queue.markDelivered(slow);
  await queue.retryAt(next, 1, "next");
  expect(await readOnlyDelivery(db)).toMatchObject({ next_attempt_ms: null, last_problem: null });
});

test("a receiver that hangs holds a few places, and the others are served", async () => {
  const hanging = await startReceiver(() => {});
  const healthy = await startReceiver();
  const clock = createManualClock(Date.now());
  const outbox = await openOutbox(":memory:", clock);
  for (let n = 0; n < 50; n += 1) await outbox.completeRun(`${hanging.url}?run=${n}`);
  for (let n = 0; n < 10; n += 1) await outbox.completeRun(healthy.url);
  const { log, until } = createTestLog();
  deliver(outbox, { log });
  await until(DELIVERED, 10);
  await hanging.until(DELIVERY_POLICY.atOncePerReceiver);
  expect(healthy.received).toHaveLength(10);
  expect(hanging.received).toHaveLength(DELIVERY_POLICY.atOncePerReceiver);
});

test("neither a secret nor the path of a receiver is ever logged", async () => {
  const receiver = await startReceiver((response, n) =>
    status([500, 302, 410][n - 1] ?? 200)(response),
  );
  const path = "services/T024/B77/tokenOfTheReceiver";
  const { until, log, lines, advanceToRetry, ...outbox } = await openFilledOutbox(
    `${receiver.url}/${path}?key=${path}`,
  );
  deliver(outbox, { secrets: [secret, "raw:a secret of old"], log });
  await until(RETRIED, 1);
  await advanceToRetry();
  await until(RETRIED, 2);
  await advanceToRetry();
  await until(GIVEN_UP);
  await outbox.completeRun(`http://10.0.0.1/${path}`);
  outbox.clock.advance(50);
  await until(GIVEN_UP, 2);
  const text = lines.join("");
  expect(text).toContain("127.0.0.1");
  for (const hidden of [secret.slice(6), "a secret of old", "tokenOfTheReceiver", "v1,"]) {
    expect(text).not.toContain(hidden);
  }
});
