import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { ActionRequired } from "../../src/engine/executors/executor.ts";
import type { Tenants } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import { connectOfficialClient, readAll } from "./groups-client.ts";
import { expectRunInvariants } from "./run-invariants.ts";
import {
  deferred,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const questions = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...question, metadata: { n: index } }));

/** Each key is a tenant of its own. */
function tenantPerKey(limits: { budgetUsd?: number; createsPerMinute?: number } = {}): Tenants {
  return {
    find: (apiKey) =>
      apiKey === undefined
        ? undefined
        : { id: apiKey, budgetUsd: null, createsPerMinute: null, ...limits },
  };
}

type Engine = Awaited<ReturnType<typeof startTestEngine>>;

async function createGroup(engine: Engine, body: unknown = {}): Promise<string> {
  const { body: group } = await call(engine, "/v1/tasks/groups", body);
  return `/v1/tasks/groups/${group.taskgroup_id}`;
}

/** Waits until nothing in the group is active: its event stream ends then. */
async function untilInactive(engine: Engine, group: string): Promise<void> {
  const response = await engine.fetch(new Request(`http://engine${group}/events`));
  await response.text();
}

const paths = (answer: { body: { error: { detail: { errors: { loc: string[] }[] } } } }) =>
  answer.body.error.detail.errors.map(({ loc }) => loc.join("."));

test("a new group is empty and not active", async () => {
  const client = await connectOfficialClient(await startTestEngine(async () => textResult("ok")));
  const group = await client.taskGroup.create({ metadata: { topic: "gdp", year: 2023 } });
  expect(group).toEqual({
    taskgroup_id: expect.stringMatching(/^tgrp_[0-9a-f]{32}$/),
    metadata: { topic: "gdp", year: 2023 },
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    status: {
      num_task_runs: 0,
      task_run_status_counts: {},
      is_active: false,
      status_message: null,
      modified_at: group.created_at,
    },
  });
  expect(await client.taskGroup.retrieve(group.taskgroup_id)).toEqual(group);
  expect((await client.taskGroup.create({})).metadata).toEqual({});
});

test("runs are added in the order of the inputs, and the group counts them", async () => {
  const hold = deferred();
  const engine = await startTestEngine(async ({ input }) => {
    if (input.metadata?.["n"] === 2) await hold.promise;
    if (input.metadata?.["n"] === 1) throw new Error("no");
    return textResult("ok");
  });
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await client.taskGroup.create({});
  const added = await client.taskGroup.addRuns(taskgroup_id, { inputs: questions(3) });
  expect(added).toMatchObject({
    status: { num_task_runs: 3, task_run_status_counts: { queued: 3 }, is_active: true },
    run_cursor: null,
    event_cursor: null,
  });
  for (const [index, runId] of added.run_ids.entries()) {
    const run = await client.taskGroup.retrieveRun(runId, { taskgroup_id });
    expect(run).toMatchObject({ run_id: runId, taskgroup_id, metadata: { n: index } });
    if (index !== 2) await client.taskRun.result(runId).catch(() => undefined);
  }
  expect((await client.taskGroup.retrieve(taskgroup_id)).status).toMatchObject({
    num_task_runs: 3,
    task_run_status_counts: { completed: 1, failed: 1, running: 1 },
    is_active: true,
  });
  hold.resolve();
  await client.taskRun.result(added.run_ids[2] ?? "");
  const { status } = await client.taskGroup.retrieve(taskgroup_id);
  expect(status).toMatchObject({
    task_run_status_counts: { completed: 2, failed: 1 },
    is_active: false,
  });
  const runs = await Promise.all(added.run_ids.map((runId) => client.taskRun.retrieve(runId)));
  expect(status.modified_at).toBe(
    runs
      .map((run) => run.modified_at ?? "")
      .toSorted()
      .at(-1),
  );
});

test("a request adds 1,000 runs, and not one more", async () => {
  const hold = deferred();
  const engine = await startTestEngine(async () => {
    await hold.promise;
    return textResult("ok");
  });
  const group = await createGroup(engine);
  const tooMany = await call(engine, `${group}/runs`, { inputs: questions(1_001) });
  expect(tooMany.status).toBe(422);
  expect(paths(tooMany)).toEqual(["body.inputs"]);
  expect(tooMany.body.error.message).toContain("at most 1000 runs");
  // Far over the limit of other bodies.
  const inputs = questions(1_000).map((input) => ({ ...input, input: "x".repeat(2_000) }));
  const added = await call(engine, `${group}/runs?refresh_status=false`, { inputs });
  expect(added.status).toBe(200);
  expect(new Set(added.body.run_ids).size).toBe(1_000);
  expect((await call(engine, group)).body.status.num_task_runs).toBe(1_000);
  hold.resolve();
});

test("one bad input refuses all of them, and every problem is named with its place", async () => {
  const engine = await startTestEngine(async () => textResult("never"));
  const group = await createGroup(engine);
  const refused = await call(engine, `${group}/runs`, {
    colour: "red",
    inputs: [
      question,
      { processor: "base" },
      question,
      { ...question, metadata: { k: [] }, size: 1 },
      { ...question, previous_interaction_id: "trun_nobody" },
      7,
    ],
  });
  expect(refused.status).toBe(422);
  expect(paths(refused)).toEqual([
    "body.colour",
    "body.inputs.1.input",
    "body.inputs.3.metadata.k",
    "body.inputs.3.size",
    "body.inputs.4.previous_interaction_id",
    "body.inputs.5",
  ]);
  expect(refused.body.error.message).toContain("body.inputs.1.input: input is required");
  const unknown = { ...question, processor: "gigantic" };
  const forbidden = await call(engine, `${group}/runs`, { inputs: [question, unknown] });
  expect(forbidden.status).toBe(403);
  expect(paths(forbidden)).toEqual(["body.inputs.1.processor"]);
  expect((await call(engine, `${group}/runs`, {})).status).toBe(422);
  expect((await call(engine, `${group}/runs?refresh_status=maybe`, { inputs: [] })).status).toBe(
    422,
  );
  expect((await call(engine, group)).body.status.num_task_runs).toBe(0);
});

test("the default task spec is for inputs without one, and its problems are named once", async () => {
  const specs: unknown[] = [];
  const engine = await startTestEngine(
    async ({ input }) => {
      specs.push(input.task_spec);
      return textResult("ok");
    },
    { concurrency: 1 },
  );
  const group = await createGroup(engine);
  const own = { output_schema: "one word" };
  const common = { output_schema: "a short report" };
  const added = await call(engine, `${group}/runs`, {
    inputs: [question, { ...question, task_spec: own }, { ...question, task_spec: null }],
    default_task_spec: common,
  });
  expect(added.status).toBe(200);
  await untilInactive(engine, group);
  expect(specs).toEqual([common, own, common]);

  const notAnObject = { output_schema: { type: "json", json_schema: { type: "array" } } };
  const refused = await call(engine, `${group}/runs`, {
    inputs: [...questions(3), { processor: "base" }],
    default_task_spec: notAnObject,
  });
  expect(refused.status).toBe(422);
  expect(paths(refused)).toEqual([
    "body.default_task_spec.output_schema.json_schema.type",
    "body.default_task_spec.output_schema.json_schema.properties",
    "body.inputs.3.input",
  ]);
});

test("an input is held against the input schema of the default task spec", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const group = await createGroup(engine);
  const schema = { type: "object", properties: { year: { type: "integer" } } };
  const added = await call(engine, `${group}/runs`, {
    inputs: [{ year: 2023 }, { year: "soon" }].map((input) => ({ input, processor: "base" })),
    default_task_spec: {
      output_schema: "text",
      input_schema: { type: "json", json_schema: schema },
    },
  });
  const [good, bad] = await Promise.all(
    added.body.run_ids.map((runId: string) => call(engine, `/v1/tasks/runs/${runId}`)),
  );
  expect(good.body.warnings).toBeUndefined();
  expect(bad.body.warnings).toEqual([
    expect.objectContaining({ message: expect.stringContaining("/year must be integer") }),
  ]);
});

test("cursors lead to the runs that were added with them, and to later ones", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await client.taskGroup.create({});
  const batches = [];
  for (const count of [2, 3, 1]) {
    batches.push(await client.taskGroup.addRuns(taskgroup_id, { inputs: questions(count) }));
    await readAll(await client.taskGroup.events(taskgroup_id));
  }
  for (const [index, { run_cursor, event_cursor }] of batches.entries()) {
    const expected = batches.slice(index).flatMap(({ run_ids }) => run_ids);
    const runs = await readAll(
      await client.taskGroup.getRuns(taskgroup_id, { last_event_id: run_cursor }),
    );
    expect(runs.map((event) => "run" in event && event.run.run_id)).toEqual(expected);
    const events = await readAll(
      await client.taskGroup.events(taskgroup_id, { last_event_id: event_cursor }),
    );
    const ended = events.flatMap((event) => ("run" in event ? event.run.run_id : []));
    expect(ended.toSorted()).toEqual(expected.toSorted());
  }
  expect(batches[0]).toMatchObject({ run_cursor: null, event_cursor: null });
});

test("a group belongs to its tenant: nobody else sees it by any path", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), { tenants: tenantPerKey() });
  const asAlice = { "x-api-key": "alice" };
  const asBob = { "x-api-key": "bob" };
  const { body: group } = await call(engine, "/v1/tasks/groups", {}, asAlice);
  const path = `/v1/tasks/groups/${group.taskgroup_id}`;
  const { body: added } = await call(engine, `${path}/runs`, { inputs: [question] }, asAlice);
  const requests: [string, unknown][] = [
    ["", undefined],
    ["/runs", { inputs: [question] }],
    ["/runs", undefined],
    ["/events", undefined],
    [`/runs/${added.run_ids[0]}`, undefined],
    ["/cancel", {}],
  ];
  for (const [ending, body] of requests) {
    const ofBob = await call(engine, path + ending, body, asBob);
    expect(ofBob.status).toBe(404);
    expect(ofBob.body.error.message).toBe("TaskGroup not found");
    const unknown = await call(engine, `/v1/tasks/groups/tgrp_nope${ending}`, body, asAlice);
    expect(unknown.body.error).toEqual({ ...ofBob.body.error, ref_id: expect.any(String) });
    expect((await call(engine, path + ending, body)).status).toBe(401);
  }
  expect((await call(engine, path, undefined, asAlice)).body.status.num_task_runs).toBe(1);
});

test("a run is found only under its own group", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const [mine, other] = [await createGroup(engine), await createGroup(engine)];
  const { body: added } = await call(engine, `${mine}/runs`, { inputs: [question] });
  const { body: alone } = await call(engine, "/v1/tasks/runs", question);
  expect((await call(engine, `${mine}/runs/${added.run_ids[0]}`)).status).toBe(200);
  for (const path of [`${other}/runs/${added.run_ids[0]}`, `${mine}/runs/${alone.run_id}`]) {
    const answer = await call(engine, path);
    expect(answer.status).toBe(404);
    expect(answer.body.error.message).toBe("Run id not found");
  }
});

test("quota and budget are asked for all inputs at once, and refuse all of them", async () => {
  const hold = deferred();
  const start = (limits: Parameters<typeof tenantPerKey>[0]) =>
    startTestEngine(
      async () => {
        await hold.promise;
        return textResult("ok");
      },
      { tenants: tenantPerKey(limits) },
    );
  const key = { "x-api-key": "alice" };
  for (const [limits, status] of [
    [{ createsPerMinute: 5 }, 429],
    [{ budgetUsd: 0.05 }, 402],
  ] as const) {
    const engine = await start(limits);
    const { body: group } = await call(engine, "/v1/tasks/groups", {}, key);
    const path = `/v1/tasks/groups/${group.taskgroup_id}`;
    const refused = await call(engine, `${path}/runs`, { inputs: questions(6) }, key);
    expect(refused.status).toBe(status);
    expect((await call(engine, path, undefined, key)).body.status.num_task_runs).toBe(0);
    const added = await call(engine, `${path}/runs`, { inputs: questions(5) }, key);
    expect(added.status).toBe(200);
    expect((await call(engine, `${path}/runs`, { inputs: [question] }, key)).status).toBe(status);
  }
  hold.resolve();
});

test("a repeated POST with the same Idempotency-Key repeats only its answer", async () => {
  const hold = deferred();
  const engine = await startTestEngine(async () => {
    await hold.promise;
    return textResult("ok");
  });
  const withKey = (key: string) => ({ "idempotency-key": key });
  const create = () => call(engine, "/v1/tasks/groups", { metadata: { a: 1 } }, withKey("create"));
  const first = await create();
  expect((await create()).body).toEqual(first.body);
  const path = `/v1/tasks/groups/${first.body.taskgroup_id}`;
  const add = (count: number) =>
    call(engine, `${path}/runs`, { inputs: questions(count) }, withKey("add"));
  const [added, again] = await Promise.all([add(3), add(3)]);
  expect(added.body.run_ids).toHaveLength(3);
  expect(again.body).toEqual(added.body);
  expect((await add(3)).body).toEqual(added.body);
  expect((await add(4)).status).toBe(409);
  expect((await call(engine, path)).body.status.num_task_runs).toBe(3);
  const cancel = () => call(engine, `${path}/cancel`, {}, withKey("cancel"));
  const cancelled = await cancel();
  hold.resolve();
  await untilInactive(engine, path);
  expect((await cancel()).body).toEqual(cancelled.body);
});

test("cancelling a half-done group stops what is left of it and keeps what is done", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const started = deferred();
  const stopped = deferred<unknown>();
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      if (input.input === "done") return textResult("ok");
      if (input.input === "ask") throw new ActionRequired("?", { deadlineSeconds: 600 });
      started.resolve();
      return untilAborted(signal).catch((reason: unknown) => {
        stopped.resolve(reason);
        throw reason;
      });
    },
    { databasePath, concurrency: 1 },
  );
  const group = await createGroup(engine);
  const webhook = { url: "https://example.com/hook", event_types: ["task_run.status"] };
  const inputs = ["done", "ask", "hold", "wait", "wait"].map((input) => ({ ...question, input }));
  const { body: added } = await call(engine, `${group}/runs`, {
    inputs: inputs.map((input, index) => (index === 4 ? { ...input, webhook } : input)),
  });
  await started.promise;
  const cancelled = await call(engine, `${group}/cancel`, {});
  expect(cancelled.status).toBe(200);
  expect(cancelled.body.status).toMatchObject({
    num_task_runs: 5,
    task_run_status_counts: { completed: 1, cancelled: 3, cancelling: 1 },
    is_active: true,
  });
  await stopped.promise;
  await untilInactive(engine, group);
  const again = await call(engine, `${group}/cancel`, {});
  expect(again.status).toBe(200);
  expect(again.body.status.task_run_status_counts).toEqual({ completed: 1, cancelled: 4 });
  const result = await call(engine, `/v1/tasks/runs/${added.run_ids[0]}/result`);
  expect(result.body.output.content).toBe("ok");

  await engine.close();
  const db = await openDatabase(databasePath);
  await expectRunInvariants(db, 2);
  await db.destroy();
});

test("1,000 waiting runs are cancelled in one request", async () => {
  const started = deferred();
  const engine = await startTestEngine(
    async ({ signal }) => {
      started.resolve();
      return untilAborted(signal);
    },
    { concurrency: 1 },
  );
  const group = await createGroup(engine);
  await call(engine, `${group}/runs`, { inputs: questions(1_000) });
  await started.promise;
  const cancelled = await call(engine, `${group}/cancel`, {});
  expect(cancelled.body.status.task_run_status_counts).toEqual({ cancelled: 999, cancelling: 1 });
  await untilInactive(engine, group);
  expect((await call(engine, group)).body.status.task_run_status_counts).toEqual({
    cancelled: 1_000,
  });
});

test("groups answer under their first path as well", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const { body: group } = await call(engine, "/v1beta/tasks/groups", {});
  const path = `/v1beta/tasks/groups/${group.taskgroup_id}`;
  // Over the limit of other bodies.
  const inputs = questions(50).map((input) => ({ ...input, input: "x".repeat(25_000) }));
  const added = await call(engine, `${path}/runs`, { inputs });
  expect(added.status).toBe(200);
  await untilInactive(engine, path);
  expect((await call(engine, path)).body.status.task_run_status_counts).toEqual({ completed: 50 });
  const run = await call(engine, `${path}/runs/${added.body.run_ids[0]}`);
  expect(run.body.taskgroup_id).toBe(group.taskgroup_id);
});

test("the hosted profile cancels no group", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), { profile: "hosted" });
  for (const version of ["v1", "v1beta"]) {
    const { body: group } = await call(engine, `/${version}/tasks/groups`, {});
    const path = `/${version}/tasks/groups/${group.taskgroup_id}`;
    expect((await call(engine, path)).status).toBe(200);
    expect((await call(engine, `${path}/cancel`, {})).status).toBe(404);
  }
});

test.each([
  ["an unknown field", { name: "x" }, "body.name"],
  ["metadata that is a list", { metadata: [] }, "body.metadata"],
  ["a metadata value that is a list", { metadata: { a: [] } }, "body.metadata.a"],
])("a group with %s is refused with its place", async (_name, body, place) => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const refused = await call(engine, "/v1/tasks/groups", body);
  expect(refused.status).toBe(422);
  expect(paths(refused)).toEqual([place]);
});
