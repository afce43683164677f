import { describe, expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { call } from "./call-engine.ts";
import { listen } from "./raw-http.ts";
import { readAllEvents, readEvents } from "./read-event-stream.ts";
import { deferred, startTestEngine, textResult, untilAborted } from "./start-test-engine.ts";

const question = { input: "q", processor: "pro" };
const hosted = { profile: "hosted" } as const;

describe("in the hosted profile", () => {
  test("a run or a group cannot be cancelled: there is no such endpoint", async () => {
    const engine = await startTestEngine(({ signal }) => untilAborted(signal), hosted);
    const { body: run } = await call(engine, "/v1/tasks/runs", question);
    const { body: group } = await call(engine, "/v1/tasks/groups", {});
    for (const path of [`runs/${run.run_id}`, `groups/${group.taskgroup_id}`]) {
      const answer = await call(engine, `/v1/tasks/${path}/cancel`, {});
      expect([answer.status, answer.body.error.message]).toEqual([404, "No such endpoint"]);
      const beta = await call(engine, `/v1beta/tasks/${path}/cancel`, {});
      expect(beta.status).toBe(404);
    }
    expect((await call(engine, `/v1/tasks/runs/${run.run_id}`)).body.is_active).toBe(true);
  });

  test("runs cannot be listed: the path has only POST", async () => {
    const engine = await startTestEngine(async () => textResult("ok"), hosted);
    const answer = await call(engine, "/v1/tasks/runs");
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("OPTIONS, POST");
  });

  test("an Idempotency-Key means nothing, not even a bad one", async () => {
    const engine = await startTestEngine(async () => textResult("ok"), hosted);
    const key = { "idempotency-key": "k" };
    const first = await call(engine, "/v1/tasks/runs", question, key);
    const second = await call(engine, "/v1/tasks/runs", question, key);
    const other = await call(engine, "/v1/tasks/runs", { ...question, input: "other" }, key);
    expect([first.status, second.status, other.status]).toEqual([202, 202, 202]);
    expect(first.body.run_id).not.toBe(second.body.run_id);
    expect(second.headers.has("idempotent-replayed")).toBe(false);
    const bad = { "idempotency-key": "x".repeat(300) };
    expect((await call(engine, "/v1/tasks/runs", question, bad)).status).toBe(202);
  });

  test("what is wrong with a request about groups is a list, and about runs the body of every error", async () => {
    const engine = await startTestEngine(async () => textResult("ok"), hosted);
    const { body: group } = await call(engine, "/v1/tasks/groups", {});
    const path = `/v1/tasks/groups/${group.taskgroup_id}`;
    for (const answer of [
      await call(engine, `${path}/runs`, {}),
      await call(engine, `/v1beta/tasks/groups/${group.taskgroup_id}/runs`, { inputs: [{}] }),
      await call(engine, `${path}/events?timeout=4000`),
      await call(engine, "/v1/tasks/groups", { colour: "red" }),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body).toEqual({ detail: expect.any(Array) });
      expect(answer.body.detail[0]).toMatchObject({
        loc: expect.any(Array),
        msg: expect.any(String),
      });
    }
    const other = await call(engine, "/v1/tasks/runs", {});
    expect(other.body.error.detail.errors).toEqual(expect.any(Array));
    expect((await call(engine, `${path}0`)).body.error.message).toBe("TaskGroup not found");
  });

  test("a failed run has no result: 404", async () => {
    const engine = await startTestEngine(async () => {
      throw new ExecutionFailed("no");
    }, hosted);
    const { body: run } = await call(engine, "/v1/tasks/runs", question);
    const result = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
    expect(result.status).toBe(404);
  });

  test("the stream of a finished run is one state event, with the output and without an id", async () => {
    const engine = await startTestEngine(async ({ report }) => {
      await report({ type: "task_run.progress_msg.plan", message: "a step" });
      return textResult("done");
    }, hosted);
    const { url } = await listen(engine);
    const { body: run } = await call(engine, "/v1/tasks/runs", question);
    await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
    const headers = { "last-event-id": "1" };
    const stream = await fetch(`${url}/v1/tasks/runs/${run.run_id}/events`, { headers });
    const text = await stream.text();
    expect(text.match(/^event: .*$/gm)).toEqual(["event: task_run.state"]);
    expect(text).toContain('"content":"done"');
    expect(text).not.toMatch(/^id:/m);
  });

  test("an active run replays its messages and the latest counts, and ends with its output", async () => {
    const reported = deferred();
    const finish = deferred();
    const engine = await startTestEngine(async ({ report }) => {
      await report({ type: "task_run.progress_msg.plan", message: "first" });
      await report({ type: "task_run.progress_stats", progress_meter: 20 });
      await report({ type: "task_run.progress_stats", progress_meter: 60 });
      reported.resolve();
      await finish.promise;
      return textResult("done");
    }, hosted);
    const { url } = await listen(engine);
    const { body: run } = await call(engine, "/v1/tasks/runs", question);
    await reported.promise;
    const open = () => fetch(`${url}/v1/tasks/runs/${run.run_id}/events`);
    // The first stream sees the reports arrive; only then are they surely in the log.
    const seen = readEvents(await open());
    for await (const { data } of seen) if (data.progress_meter === 60) break;
    const replay = readEvents(await open());
    const types: string[] = [];
    for (let i = 0; i < 3; i++) types.push((await replay.next()).value?.data.type);
    finish.resolve();
    const rest = [];
    for await (const event of replay) rest.push(event);
    expect(types).toEqual([
      "task_run.state",
      "task_run.progress_msg.plan",
      "task_run.progress_stats",
    ]);
    expect(rest.map(({ data }) => [data.type, data.run.status, data.output?.content])).toEqual([
      ["task_run.state", "completed", "done"],
    ]);
    expect(rest[0]?.id).toBeFalsy();
  });

  test("a stream is closed after its window with the state of the run, which goes on", async () => {
    const engine = await startTestEngine(({ signal }) => untilAborted(signal), {
      ...hosted,
      limits: { streamWindowMs: 200 },
    });
    const { url } = await listen(engine);
    const { body: run } = await call(engine, "/v1/tasks/runs", question);
    const events = await readAllEvents(await fetch(`${url}/v1/tasks/runs/${run.run_id}/events`));
    expect(events.at(-1)?.data).toMatchObject({
      type: "task_run.state",
      run: { status: "running", is_active: true },
      output: null,
    });
    expect(events.length).toBeGreaterThan(1);
  });
});
