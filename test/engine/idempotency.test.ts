import { join } from "node:path";
import { expect, test } from "vitest";
import { call } from "./call-engine.ts";
import { clockAt, startTestEngine, temporaryFolder, textResult } from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const key = { "idempotency-key": "the-same-question" };

test("the same key and request get the same answer and create one run", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const first = await call(engine, "/v1/tasks/runs", question, key);
  await call(engine, `/v1/tasks/runs/${first.body.run_id}/result?timeout=10`);
  const second = await call(engine, "/v1/tasks/runs", question, key);
  expect(second.status).toBe(202);
  expect(second.body).toEqual(first.body);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect((await call(engine, "/v1/tasks/runs")).body.runs).toHaveLength(1);
});

test("the same key with another request is a conflict", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  await call(engine, "/v1/tasks/runs", question, key);
  const other = await call(engine, "/v1/tasks/runs", { ...question, processor: "pro" }, key);
  expect(other.status).toBe(409);
  expect(other.body.error.message).toMatch(/use a new one/);
});

test("requests with one key at the same moment, through two engines, create one run", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const engines = [
    await startTestEngine(async () => textResult("ok"), { databasePath }),
    await startTestEngine(async () => textResult("ok"), { databasePath }),
  ];
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      engines.map((engine) => call(engine, "/v1/tasks/runs", question, key)),
    ).flat(),
  );
  expect(new Set(answers.map(({ body }) => body.run_id)).size).toBe(1);
  expect(answers.every(({ status }) => status === 202)).toBe(true);
});

test("a refused request is not remembered", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  expect((await call(engine, "/v1/tasks/runs", { processor: "base" }, key)).status).toBe(422);
  expect((await call(engine, "/v1/tasks/runs", question, key)).status).toBe(202);
});

test("a key is forgotten after 24 hours", async () => {
  let now = Date.UTC(2026, 0, 1);
  const engine = await startTestEngine(async () => textResult("ok"), { clock: clockAt(() => now) });
  const first = await call(engine, "/v1/tasks/runs", question, key);
  now += 24 * 60 * 60 * 1_000 + 1;
  const second = await call(engine, "/v1/tasks/runs", question, key);
  expect(second.status).toBe(202);
  expect(second.body.run_id).not.toBe(first.body.run_id);
});

test("a key that is too long is refused", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const headers = { "idempotency-key": "k".repeat(256) };
  expect((await call(engine, "/v1/tasks/runs", question, headers)).status).toBe(422);
});
