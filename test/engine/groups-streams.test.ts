import { join } from "node:path";
import type Parallel from "parallel-web";
import { expect, test } from "vitest";
import { ActionRequired } from "../../src/engine/executors/executor.ts";
import { TaskGroupEvent, TaskGroupRunEvent } from "../../src/task-api/task-group.ts";
import { connectOfficialClient, readAll } from "./groups-client.ts";
import {
  deferred,
  executorOf,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const questions = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...question, metadata: { n: index } }));

async function startGroup(
  client: Parallel,
  inputs: Parallel.TaskRun.RunInput[],
): Promise<{ taskgroup_id: string; runIds: string[] }> {
  const { taskgroup_id } = await client.taskGroup.create({});
  const added = await client.taskGroup.addRuns(taskgroup_id, { inputs });
  return { taskgroup_id, runIds: added.run_ids };
}

type GroupEvent = Parallel.TaskGroupEventsResponse | Parallel.TaskGroupGetRunsResponse;

const eventId = (event: GroupEvent | undefined) =>
  event !== undefined && "event_id" in event ? event.event_id : undefined;
const runIdsOf = (events: readonly GroupEvent[]) =>
  events.flatMap((event) => ("run" in event ? event.run.run_id : []));
const statusesOf = (events: readonly GroupEvent[]) =>
  events.flatMap((event) => ("status" in event ? event.status : []));

test("the runs stream tells each run as it is now, in the order of creation, and closes", async () => {
  const hold = deferred();
  const held = deferred();
  const engine = await startTestEngine(
    async ({ input }) => {
      if (input.metadata?.["n"] === 1) throw new Error("no");
      if (input.metadata?.["n"] === 2) {
        held.resolve();
        await hold.promise;
      }
      return textResult("ok");
    },
    { concurrency: 1 },
  );
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(5));
  await held.promise;
  const events = await readAll(await client.taskGroup.getRuns(taskgroup_id));
  for (const event of events) TaskGroupRunEvent.parse(event);
  expect(runIdsOf(events)).toEqual(runIds);
  expect(events.map((event) => "run" in event && event.run.status)).toEqual([
    "completed",
    "failed",
    "running",
    "queued",
    "queued",
  ]);
  expect(new Set(events.map(eventId)).size).toBe(5);
  for (const event of events) expect(event).toMatchObject({ input: null, output: null });

  for (const [status, expected] of [
    ["queued", [3, 4]],
    ["failed", [1]],
    ["cancelled", []],
    [null, [0, 1, 2, 3, 4]],
  ] as const) {
    const some = await readAll(await client.taskGroup.getRuns(taskgroup_id, { status }));
    expect(runIdsOf(some)).toEqual(expected.map((index) => runIds[index]));
  }
  for (const [index, event] of events.entries()) {
    const rest = await client.taskGroup.getRuns(taskgroup_id, {
      last_event_id: eventId(event) ?? "",
    });
    expect(runIdsOf(await readAll(rest))).toEqual(runIds.slice(index + 1));
  }
  hold.resolve();
});

test("the runs stream carries inputs and outputs when asked, never the headers of MCP servers", async () => {
  const engine = await startTestEngine(async () => textResult("answer"));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await startGroup(client, [
    {
      ...question,
      mcp_servers: [
        {
          type: "url",
          url: "https://mcp.example.com/mcp",
          name: "m",
          headers: { authorization: "s3cret" },
        },
      ],
    },
  ]);
  await readAll(await client.taskGroup.events(taskgroup_id));
  const read = async (query: Parallel.TaskGroupGetRunsParams) =>
    (await readAll(await client.taskGroup.getRuns(taskgroup_id, query)))[0];
  expect(await read({ include_input: true })).toMatchObject({
    input: { ...question, mcp_servers: [{ name: "m" }] },
    output: null,
  });
  expect(await read({ include_output: true })).toMatchObject({
    input: null,
    output: { type: "text", content: "answer" },
  });
  const everything = await read({ include_input: true, include_output: true });
  expect(JSON.stringify(everything)).not.toContain("s3cret");
});

test("a cut runs stream of many pages goes on where it was cut", async () => {
  const engine = await startTestEngine(async ({ signal }) => untilAborted(signal));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(130));
  const seen: GroupEvent[] = [];
  let part: GroupEvent[];
  do {
    const last_event_id = eventId(seen.at(-1)) ?? null;
    const stream = await client.taskGroup.getRuns(taskgroup_id, { last_event_id });
    part = await readAll<GroupEvent>(stream, 60);
    seen.push(...part);
  } while (part.length === 60);
  expect(runIdsOf(seen)).toEqual(runIds);
});

test("the events stream tells every run that ends, then the status, and ends with the group", async () => {
  const go = deferred();
  const engine = await startTestEngine(async ({ input }) => {
    await go.promise;
    if (input.metadata?.["n"] === 1) throw new Error("no");
    return textResult("ok");
  });
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(4));
  const stream = await client.taskGroup.events(taskgroup_id);
  const events: Parallel.TaskGroupEventsResponse[] = [];
  for await (const event of stream) {
    TaskGroupEvent.parse(event);
    if (events.length === 0) {
      // At once, although nothing has ended yet.
      expect(event).toMatchObject({
        type: "task_group_status",
        status: { num_task_runs: 4, is_active: true },
      });
      go.resolve();
    }
    events.push(event);
  }
  expect(runIdsOf(events).toSorted()).toEqual(runIds.toSorted());
  for (const event of events) {
    if ("run" in event) expect(event.run.is_active).toBe(false);
    expect(event).not.toHaveProperty("output.content");
  }
  expect(events.at(-1)).toMatchObject({
    type: "task_group_status",
    status: { task_run_status_counts: { completed: 3, failed: 1 }, is_active: false },
  });
  expect(new Set(events.map(eventId)).size).toBe(events.length);
});

test("a finished group replays all that ended; from any event on, exactly what followed it", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(5));
  await readAll(await client.taskGroup.events(taskgroup_id));
  const events = await readAll(await client.taskGroup.events(taskgroup_id));
  expect(runIdsOf(events).toSorted()).toEqual(runIds.toSorted());
  expect(events).toHaveLength(6);
  for (const [index, event] of events.entries()) {
    const rest = await client.taskGroup.events(taskgroup_id, {
      last_event_id: eventId(event) ?? "",
    });
    expect(await readAll(rest)).toEqual(events.slice(index + 1));
  }
});

test("a live stream that is cut again and again loses nothing and doubles nothing", async () => {
  const next: (() => void)[] = [];
  const engine = await startTestEngine(
    async () => {
      await new Promise<void>((resolve) => next.push(resolve));
      return textResult("ok");
    },
    { concurrency: 3 },
  );
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(12));
  const seen: Parallel.TaskGroupEventsResponse[] = [];
  // Each connection reads one event more than the one before, and frees a run with every event.
  for (let limit = 1; statusesOf(seen).at(-1)?.is_active !== false; limit++) {
    const last_event_id = eventId(seen.at(-1)) ?? null;
    const stream = await client.taskGroup.events(taskgroup_id, { last_event_id });
    let count = 0;
    next.shift()?.();
    for await (const event of stream) {
      seen.push(event);
      next.shift()?.();
      if ((count += 1) === limit) break;
    }
  }
  expect(runIdsOf(seen).toSorted()).toEqual(runIds.toSorted());
  expect(new Set(seen.map(eventId)).size).toBe(seen.length);
  expect(statusesOf(seen).at(-1)).toMatchObject({ task_run_status_counts: { completed: 12 } });
});

test("a group that waits for an answer is not active: its stream ends, and later tells what became of it", async () => {
  const engine = await startTestEngine(async () => {
    throw new ActionRequired("?", { deadlineSeconds: 600 });
  });
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(1));
  const waiting = await readAll(await client.taskGroup.events(taskgroup_id));
  const ofRun = (status: string) =>
    expect.objectContaining({
      run: expect.objectContaining({ run_id: runIds[0], status, is_active: false }),
    });
  expect(waiting).toContainEqual(ofRun("action_required"));
  expect(statusesOf(waiting).at(-1)).toMatchObject({ is_active: false });
  await client.post(`/v1/tasks/groups/${taskgroup_id}/cancel`);
  const later = await client.taskGroup.events(taskgroup_id, {
    last_event_id: eventId(waiting.at(-1)) ?? "",
  });
  expect(await readAll(later)).toEqual([
    ofRun("cancelled"),
    expect.objectContaining({ type: "task_group_status" }),
  ]);
  const all = await readAll(await client.taskGroup.events(taskgroup_id));
  expect(all).toEqual([
    ofRun("action_required"),
    ofRun("cancelled"),
    expect.objectContaining({ type: "task_group_status" }),
  ]);
});

test("runs that are added later show in an open stream, and keep it open", async () => {
  const engine = await startTestEngine(async ({ signal }) => untilAborted(signal));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await startGroup(client, questions(1));
  for await (const event of await client.taskGroup.events(taskgroup_id)) {
    if (!("status" in event)) continue;
    const { num_task_runs, task_run_status_counts } = event.status;
    if (num_task_runs === 3) break;
    if (num_task_runs === 1 && task_run_status_counts["running"] === 1) {
      await client.taskGroup.addRuns(taskgroup_id, { inputs: questions(2) });
    }
  }
  expect.assertions(0);
});

test("an empty group has one status and ends", async () => {
  const client = await connectOfficialClient(await startTestEngine(async () => textResult("ok")));
  const { taskgroup_id, status } = await client.taskGroup.create({});
  const events = await readAll(await client.taskGroup.events(taskgroup_id));
  expect(events).toEqual([{ type: "task_group_status", event_id: expect.any(String), status }]);
  expect(await readAll(await client.taskGroup.getRuns(taskgroup_id))).toEqual([]);
});

test("a stream with a timeout ends after it, while the group goes on", async () => {
  const engine = await startTestEngine(async ({ signal }) => untilAborted(signal));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await startGroup(client, questions(1));
  for (const timeout of [0, 0.2]) {
    const events = await readAll(await client.taskGroup.events(taskgroup_id, { timeout }));
    expect(statusesOf(events).at(-1)).toMatchObject({ is_active: true });
  }
});

test.each([
  ["events", { timeout: 3_601 }],
  ["events", { timeout: -1 }],
  ["events", { last_event_id: "yesterday" }],
  ["runs", { last_event_id: "1.5" }],
  ["runs", { status: "asleep" }],
  ["runs", { include_input: "perhaps" }],
])("%s with %o is refused", async (stream, query) => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await client.taskGroup.create({});
  const path = `/v1/tasks/groups/${taskgroup_id}/${stream}`;
  await expect(client.get(path, { query })).rejects.toMatchObject({
    status: 422,
    error: { error: { detail: { errors: [{ loc: ["query", Object.keys(query)[0]] }] } } },
  });
});

test("a burst of endings is told with few statuses", async () => {
  const engine = await startTestEngine(async () => {
    // Between two endings there is time for a look.
    await new Promise(setImmediate);
    return textResult("ok");
  });
  const client = await connectOfficialClient(engine);
  const { taskgroup_id, runIds } = await startGroup(client, questions(400));
  const events = await readAll(await client.taskGroup.events(taskgroup_id));
  expect(new Set(runIdsOf(events))).toEqual(new Set(runIds));
  expect(statusesOf(events).length).toBeLessThan(100);
  // Whoever comes later gets the same from a log that has grown long.
  const replay = await readAll(await client.taskGroup.events(taskgroup_id));
  expect(runIdsOf(replay)).toEqual(runIdsOf(events));
});

test("what another process does in a group is seen as well", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const onlyServes = await startTestEngine(async () => textResult("never"), {
    databasePath,
    createExecutor: () => ({ ...executorOf(async () => textResult("never")), key: "other" }),
  });
  const go = deferred();
  const performs = await startTestEngine(
    async () => {
      await go.promise;
      return textResult("ok");
    },
    { databasePath },
  );
  const { taskgroup_id, runIds } = await startGroup(
    await connectOfficialClient(performs),
    questions(3),
  );
  const client = await connectOfficialClient(onlyServes);
  const events: Parallel.TaskGroupEventsResponse[] = [];
  for await (const event of await client.taskGroup.events(taskgroup_id)) {
    events.push(event);
    go.resolve();
  }
  expect(runIdsOf(events).toSorted()).toEqual(runIds.toSorted());
});

test("an engine that closes ends its streams", async () => {
  // It performs nothing, so nothing but the closing wakes the stream.
  const engine = await startTestEngine(async () => textResult("never"), { concurrency: 0 });
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await startGroup(client, questions(1));
  const events: GroupEvent[] = [];
  for await (const event of await client.taskGroup.events(taskgroup_id)) {
    events.push(event);
    // By the time this is answered, the stream waits.
    await client.taskGroup.retrieve(taskgroup_id);
    await engine.close();
  }
  expect(events).toMatchObject([{ type: "task_group_status", status: { is_active: true } }]);
});
