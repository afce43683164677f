import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hashKey } from "../../src/http-server/hashed-keys.ts";
import { readTenants } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import {
  clockAt,
  deferred,
  startTestEngine,
  temporaryFolder,
  textResult,
} from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const asAlice = { "x-api-key": "alice-key" };
const asBob = { "x-api-key": "bob-key" };

async function tenantsFile(alice: Record<string, unknown> = {}): Promise<string> {
  const path = join(await temporaryFolder(), "tenants.yaml");
  const tenants = [
    { id: "alice", key_hashes: [hashKey("alice-key"), hashKey("alice-next-key")], ...alice },
    { id: "bob", key_hashes: [hashKey("bob-key")] },
  ];
  await writeFile(path, JSON.stringify({ tenants }));
  return path;
}

test("a tenant sees its own runs and nobody else's, by any path", async () => {
  const tenants = await readTenants(await tenantsFile());
  const engine = await startTestEngine(async () => textResult("ok"), { tenants });
  const { body: run } = await call(engine, "/v1/tasks/runs", question, asAlice);
  const path = `/v1/tasks/runs/${run.run_id}`;
  const rotated = { "x-api-key": "alice-next-key" };
  expect((await call(engine, path, undefined, rotated)).status).toBe(200);
  for (const ending of ["", "/input", "/result?timeout=0", "/events"]) {
    expect((await call(engine, path + ending, undefined, asBob)).status).toBe(404);
  }
  expect((await call(engine, `${path}/cancel`, {}, asBob)).status).toBe(404);
  expect((await call(engine, "/v1/tasks/runs", undefined, asBob)).body.runs).toEqual([]);
  const followUp = { ...question, previous_interaction_id: run.interaction_id };
  expect((await call(engine, "/v1/tasks/runs", followUp, asBob)).status).toBe(422);
  expect((await call(engine, path)).status).toBe(401);
});

test("a budget covers what completed or may complete, and refuses the rest with 402", async () => {
  const tenants = await readTenants(await tenantsFile({ budget_usd: 0.02 }));
  const hold = deferred();
  const engine = await startTestEngine(
    async ({ input }) => {
      await hold.promise;
      if (input.input === "fail") throw new Error("no");
      return textResult("ok");
    },
    { tenants },
  );
  const create = (input: string) => call(engine, "/v1/tasks/runs", { ...question, input }, asAlice);
  const { body: first } = await create("fail");
  expect((await create("second")).status).toBe(202);
  const refused = await create("third");
  expect(refused.status).toBe(402);
  expect(refused.body.error.message).toMatch(/^Payment required: insufficient credit.*\$0\.02/);
  expect((await call(engine, "/v1/tasks/runs", question, asBob)).status).toBe(202);
  hold.resolve();
  await call(engine, `/v1/tasks/runs/${first.run_id}/result?timeout=10`, undefined, asAlice);
  // A failed run is not billed: its share is free again.
  expect((await create("fourth")).status).toBe(202);
});

test("creates over the quota of a minute are refused with 429 and the time to wait", async () => {
  const tenants = await readTenants(await tenantsFile({ creates_per_minute: 2 }));
  let now = Date.UTC(2026, 0, 1);
  const engine = await startTestEngine(async () => textResult("ok"), {
    tenants,
    clock: clockAt(() => now),
  });
  const create = () => call(engine, "/v1/tasks/runs", question, asAlice);
  expect((await create()).status).toBe(202);
  now += 20_000;
  expect((await create()).status).toBe(202);
  const refused = await create();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("40");
  now += 40_000;
  expect((await create()).status).toBe(202);
});

test("requests at the same moment cannot pass a quota or a budget together", async () => {
  const path = await tenantsFile({ creates_per_minute: 5, budget_usd: 1 });
  const tenants = await readTenants(path);
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const engines = [
    await startTestEngine(async () => textResult("ok"), { tenants, databasePath }),
    await startTestEngine(async () => textResult("ok"), { tenants, databasePath }),
  ];
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      engines.map((engine) => call(engine, "/v1/tasks/runs", question, asAlice)),
    ).flat(),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
});

test("a tenants file that cannot be used is refused with every problem", async () => {
  const path = join(await temporaryFolder(), "tenants.yaml");
  await writeFile(path, "tenants:\n  - id: a b\n    key_hashes: [secret]\n    colour: red\n");
  await expect(readTenants(path)).rejects.toThrow(
    /letters, digits[^]*hash-key|hash-key[^]*letters/,
  );
  await expect(readTenants(join(path, "missing"))).rejects.toThrow(/cannot be read/);
});
