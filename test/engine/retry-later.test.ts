import { join } from "node:path";
import { expect, test } from "vitest";
import { RetryLater } from "../../src/engine/executors/executor.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { call } from "./call-engine.ts";
import { startTestEngine, temporaryFolder, textResult } from "./start-test-engine.ts";

const AFTER_MS = 61_000;
const rateLimit = () =>
  Promise.reject(new RetryLater("The model asks to wait.", { afterMs: AFTER_MS }));
const input = { input: "q", processor: "pro" };

test("an attempt that ends with retry later is made again after its time, and says what the run waits for", async () => {
  const clock = createManualClock();
  let attempts = 0;
  const engine = await startTestEngine(
    async () => {
      attempts += 1;
      return attempts < 4 ? rateLimit() : textResult("done");
    },
    { clock },
  );
  const { body: run } = await call(engine, "/v1/tasks/runs", input);
  const path = `/v1/tasks/runs/${run.run_id}`;
  // More often than a run may be lost: a wait uses no attempt up.
  for (let waits = 1; waits <= 3; waits += 1) {
    await clock.until(() => clock.sleeps.filter((ms) => ms === AFTER_MS).length === waits);
    expect((await call(engine, path)).body).toMatchObject({ status: "queued", is_active: true });
    clock.advance(AFTER_MS - 1);
    expect(attempts).toBe(waits);
    clock.advance(1);
  }
  const { body: result } = await call(engine, `${path}/result?timeout=20`);
  expect(result.output.content).toBe("done");
  const events = await engine.fetch(new Request(`http://engine${path}/events`));
  expect(await events.text()).toContain("The model asks to wait.");
});

test("the time of a retry outlives the engine", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const clock = createManualClock();
  const first = await startTestEngine(rateLimit, { databasePath, clock });
  const { body: run } = await call(first, "/v1/tasks/runs", input);
  await clock.until(() => clock.sleeps.includes(AFTER_MS));
  await first.close();

  let attempts = 0;
  const execute = async () => {
    attempts += 1;
    return textResult("done");
  };
  const early = await startTestEngine(execute, { databasePath, clock });
  // A run that is ready shows that the engine claims.
  const { body: other } = await call(early, "/v1/tasks/runs", input);
  await call(early, `/v1/tasks/runs/${other.run_id}/result?timeout=20`);
  expect(attempts).toBe(1);
  expect((await call(early, `/v1/tasks/runs/${run.run_id}`)).body.status).toBe("queued");
  await early.close();

  clock.advance(AFTER_MS);
  const late = await startTestEngine(execute, { databasePath, clock });
  const { status } = await call(late, `/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  expect([status, attempts]).toEqual([200, 2]);
});

test("a run that waits for its retry is cancelled at once", async () => {
  const clock = createManualClock();
  const engine = await startTestEngine(rateLimit, { clock });
  const { body: run } = await call(engine, "/v1/tasks/runs", input);
  await clock.until(() => clock.sleeps.includes(AFTER_MS));
  const { body: cancelled } = await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  expect(cancelled.status).toBe("cancelled");
});
