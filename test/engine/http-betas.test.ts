import { expect, test } from "vitest";
import { call } from "./call-engine.ts";
import { startTestEngine, textResult } from "./start-test-engine.ts";

const question = { input: "q", processor: "base" };
const features = {
  mcp_servers: [{ url: "https://mcp.example.com/mcp", name: "m" }],
  enable_events: true,
  webhook: { url: "https://example.com/hook", event_types: ["task_run.status"] },
};
const VALUES = {
  mcp_servers: "mcp-server-2025-07-17",
  enable_events: "events-sse-2025-07-24",
  webhook: "webhook-2025-08-12",
};

const startEngine = (requireBetas: boolean) =>
  startTestEngine(async () => textResult("ok"), { requireBetas });

test("without the requirement, beta features need no header, and any value of it is accepted", async () => {
  const engine = await startEngine(false);
  const body = { ...question, ...features };
  expect((await call(engine, "/v1/tasks/runs", body)).status).toBe(202);
  const headers = { "parallel-beta": "search-extract-2025-10-10,made-up" };
  expect((await call(engine, "/v1/tasks/runs", body, headers)).status).toBe(202);
  expect((await call(engine, "/v1/tasks/runs/x/result?timeout=0", undefined, headers)).status).toBe(
    404,
  );
});

test.each(Object.entries(features))("when required, %s needs its value", async (field, used) => {
  const engine = await startEngine(true);
  const value = Object.entries(VALUES).find(([name]) => name === field)?.[1] ?? "";
  const refused = await call(engine, "/v1/tasks/runs", { ...question, [field]: used });
  expect(refused.status).toBe(422);
  expect(refused.body.error.detail.errors).toEqual([
    { type: "beta_required", loc: ["body", field], msg: expect.stringContaining(value) },
  ]);
  const header = { "parallel-beta": `made-up, ${value}` };
  const accepted = await call(engine, "/v1/tasks/runs", { ...question, [field]: used }, header);
  expect(accepted.status).toBe(202);
});

test("when required, runs that use none of the features need nothing", async () => {
  const engine = await startEngine(true);
  const body = { ...question, mcp_servers: [], enable_events: false, webhook: null };
  expect((await call(engine, "/v1/tasks/runs", body)).status).toBe(202);
});

test("every missing value is named, for each input of a group, beside all other problems", async () => {
  const engine = await startEngine(true);
  const { body: group } = await call(engine, "/v1/tasks/groups", {});
  const refused = await call(
    engine,
    `/v1/tasks/groups/${group.taskgroup_id}/runs`,
    { inputs: [question, { ...question, ...features }, { ...question, colour: "red" }] },
    { "parallel-beta": VALUES.webhook },
  );
  expect(refused.status).toBe(422);
  const places = refused.body.error.detail.errors.map((e: { loc: string[] }) => e.loc.join("."));
  expect(places).toEqual([
    "body.inputs.1.mcp_servers",
    "body.inputs.1.enable_events",
    "body.inputs.2.colour",
  ]);
});
