import { describe, expect, test } from "vitest";
import { GroupCancelNotSupported, GroupNotFound, InvalidRequest } from "../../src/client/errors.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import type { Attempt, ExecutionResult } from "../../src/engine/executors/executor.ts";
import type { TaskGroupRunEvent } from "../../src/task-api/task-group.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { collect, errorOf } from "./capture.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";

const ask = (input: string) => ({ input, processor: "base" });
const runIdsIn = (events: TaskGroupRunEvent[]) =>
  events.map((event) => (event.type === "task_run.state" ? event.run.run_id : event.type));

async function connect(
  profile: Profile,
  execute: (attempt: Attempt) => Promise<ExecutionResult> = async () => textResult("x"),
) {
  const engine = await startTestEngine(execute, { profile });
  const server = await startEngineServer(engine, () => false);
  return connectOverNetwork({ baseUrl: server.url });
}

describe.each<[Profile]>([["hosted"], ["extended"]])("in the %s profile", (profile) => {
  test("a group is created, filled, watched to its end, and its runs are read with what they hold", async () => {
    const release = deferred();
    const client = await connect(profile, async ({ input }) => {
      await release.promise;
      return textResult(`answer to ${JSON.stringify(input.input)}`);
    });
    const created = await client.createGroup({ metadata: { project: "gdp" } });
    expect(created).toMatchObject({
      metadata: { project: "gdp" },
      status: { num_task_runs: 0, is_active: false },
    });
    const id = created.taskgroup_id;
    const first = await client.addRuns(id, {
      inputs: [ask("one"), ask("two")],
      default_task_spec: { output_schema: { type: "text", description: "one word" } },
    });
    expect(first).toMatchObject({
      status: { num_task_runs: 2, is_active: true },
      run_cursor: null,
    });
    const second = await client.addRuns(id, { inputs: [ask("three")] });

    const watching = collect(client.streamGroupEvents(id, {}));
    release.resolve();
    const events = await watching;
    expect(events.at(-1)).toMatchObject({
      type: "task_group_status",
      status: { is_active: false, task_run_status_counts: { completed: 3 } },
    });
    expect(await client.retrieveGroup(id)).toMatchObject({
      taskgroup_id: id,
      status: { num_task_runs: 3, is_active: false },
    });

    const all = await collect(client.streamGroupRuns(id, {}));
    expect(runIdsIn(all)).toEqual([...first.run_ids, ...second.run_ids]);
    expect(all[0]).toMatchObject({ input: null, output: null });
    const [whole] = await collect(
      client.streamGroupRuns(id, { includeInput: true, includeOutput: true, status: "completed" }),
    );
    expect(whole).toMatchObject({
      input: { input: "one", task_spec: { output_schema: { description: "one word" } } },
      output: { content: 'answer to "one"' },
    });
    expect(await collect(client.streamGroupRuns(id, { status: "failed" }))).toEqual([]);
  });

  test("both streams go on after an event or a cursor", async () => {
    const client = await connect(profile);
    const { taskgroup_id: id } = await client.createGroup({});
    await client.addRuns(id, { inputs: [ask("one"), ask("two")] });
    const added = await client.addRuns(id, { inputs: [ask("three")] });
    const whole = await collect(client.streamGroupEvents(id, {}));
    const later = await collect(
      client.streamGroupRuns(id, { lastEventId: added.run_cursor ?? "none" }),
    );
    expect(runIdsIn(later)).toEqual(added.run_ids);
    const last = whole.at(-1);
    if (last?.type !== "task_group_status") throw new Error("the last event is the status");
    const rest = await collect(
      client.streamGroupEvents(id, { lastEventId: last.event_id ?? "none" }),
    );
    expect(rest).toEqual([]);
    expect(
      await errorOf(collect(client.streamGroupEvents(id, { lastEventId: "what" }))),
    ).toBeInstanceOf(InvalidRequest);
  });

  test("a stream with a timeout ends by itself, while runs are active", async () => {
    const client = await connect(profile, ({ signal }) => untilAborted(signal));
    const { taskgroup_id: id } = await client.createGroup({});
    await client.addRuns(id, { inputs: [ask("one")] });
    const events = await collect(client.streamGroupEvents(id, { timeoutSeconds: 0 }));
    expect(events).toMatchObject([{ type: "task_group_status", status: { is_active: true } }]);
  });

  test("no group has an unknown id, whatever characters it is made of", async () => {
    const client = await connect(profile);
    for (const id of ["tgrp_0", "", ".", "..", "../runs", "a/b?c#d", "ü 東京", "\ud800"]) {
      for (const act of [
        () => client.retrieveGroup(id),
        () => client.addRuns(id, { inputs: [ask("one")] }),
        () => collect(client.streamGroupRuns(id, {})),
        () => collect(client.streamGroupEvents(id, {})),
      ]) {
        const error = await errorOf(act());
        expect(error).toBeInstanceOf(GroupNotFound);
        expect(error).toMatchObject({ taskgroupId: id, notProcessed: true });
      }
    }
    expect(await errorOf(client.cancelGroup("tgrp_0"))).toBeInstanceOf(GroupCancelNotSupported);
  });

  test("one wrong input of many is named, and nothing is added", async () => {
    const client = await connect(profile);
    const { taskgroup_id: id } = await client.createGroup({});
    const wrong = { ...ask("two"), memory_scope_key: "no spaces!" };
    const error = await errorOf(client.addRuns(id, { inputs: [ask("one"), wrong] }));
    expect(error).toBeInstanceOf(InvalidRequest);
    expect(error).toHaveProperty(["problems", 0, "loc"], ["body", "inputs", 1, "memory_scope_key"]);
    expect((await client.retrieveGroup(id)).status.num_task_runs).toBe(0);
  });
});

test("a group half done is cancelled: what ended stays, what did not ends now", async () => {
  const finished = deferred();
  const client = await connect("extended", async ({ input, signal }) => {
    if (input.input === "quick") return textResult("x");
    finished.resolve();
    return untilAborted(signal);
  });
  const { taskgroup_id: id } = await client.createGroup({});
  const { run_ids } = await client.addRuns(id, {
    inputs: ["quick", ...Array.from({ length: 9 }, () => "slow")].map(ask),
  });
  await client.retrieveResult(run_ids[0] ?? "", { timeoutSeconds: 20 });
  await finished.promise;
  const cancelled = await client.cancelGroup(id);
  expect(cancelled.taskgroup_id).toBe(id);
  expect(cancelled.status.task_run_status_counts["running"]).toBeUndefined();
  await collect(client.streamGroupEvents(id, {}));
  const { status } = await client.retrieveGroup(id);
  expect(status.task_run_status_counts).toEqual({ completed: 1, cancelled: 9 });
  expect((await client.cancelGroup(id)).status).toMatchObject({ is_active: false });
});

test("a backend without the cancel of groups is told from one without the group by reading it", async () => {
  const client = await connect("hosted");
  const { taskgroup_id: id } = await client.createGroup({});
  const error = await errorOf(client.cancelGroup(id));
  expect(error).toBeInstanceOf(GroupCancelNotSupported);
  expect(error).toMatchObject({ taskgroupId: id });
  expect(await client.retrieveGroup(id)).toMatchObject({ taskgroup_id: id });
});
