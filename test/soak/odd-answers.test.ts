import { expect, test } from "vitest";
import { z } from "zod";
import type { JsonObject } from "../../src/task-api/task-spec.ts";
import { isJsonObject } from "../../src/task-api/task-spec.ts";
import { errorOf } from "../client/capture.ts";
import { startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";
import { backendOf, connect } from "../mcp/connect.ts";
import { questionOf } from "../mcp/stories.ts";

// Whatever one field of an answer becomes, the answer is read: ids, statuses and outputs are not lost with it.

const NOTE = "The backend's answer does not match the Task API.";
const CONTENT = { answer: "forty-two", list: ["a"] };

/** A short run makes every eleventh change: each of the seven kinds, at one field or another. */
const EVERY = load({ full: 1, short: 11 });

type Answer = "run" | "result" | "events" | "cancel" | "create" | "list" | "error";
type GroupAnswer = "group" | "group-runs" | "group-events" | "create-group" | "add-runs";

function answerOf(request: Request): Answer | GroupAnswer {
  const { pathname } = new URL(request.url);
  const isPost = request.method === "POST";
  const [area, id, part] = pathname.split("/").slice(3);
  if (area === "groups") {
    if (id === undefined) return "create-group";
    if (part === "runs") return isPost ? "add-runs" : "group-runs";
    return part === "events" ? "group-events" : "group";
  }
  if (id === undefined) return isPost ? "create" : "list";
  if (part === "result" || part === "events" || part === "cancel") return part;
  return "run";
}

/** The real engine and our tools; `change` may alter the JSON of an answer, or of each event of a stream. */
async function startOddBackend() {
  const engine = await startTestEngine(async ({ input, signal, report }) => {
    const question = questionOf(input);
    if (question.startsWith("slow")) return untilAborted(signal);
    await report({ type: "task_run.progress_msg.plan", message: "Planning" });
    await report({
      type: "task_run.progress_stats",
      progress_meter: 40,
      source_stats: { num_sources_considered: 2, num_sources_read: 1 },
    });
    const citations = [{ url: "https://example.org/a", title: "A", excerpts: ["Quoted."] }];
    const basis = [{ field: "answer", reasoning: "It says so.", confidence: "high", citations }];
    const call = { tool_call_id: "1", server_name: "s", tool_name: "t", arguments: "{}" };
    const output =
      question === "text"
        ? { type: "text" as const, content: "# One\n\nText.", basis }
        : { type: "json" as const, content: CONTENT, basis, mcp_tool_calls: [call] };
    return { output, warnings: [{ type: "warning", message: "Mind the gap.", detail: null }] };
  });
  const state: { change: (kind: Answer | GroupAnswer, json: unknown) => unknown } = {
    change: (_kind, json) => json,
  };
  const backend = await backendOf(async (request) => {
    const kind = answerOf(request);
    const response = await engine.fetch(request);
    const { status, headers } = response;
    const text = await response.text();
    const changed = headers.get("content-type")?.startsWith("text/event-stream")
      ? text.replaceAll(/^data: (.*)$/gm, (_line, data: string) => {
          const json: unknown = JSON.parse(data);
          return `data: ${JSON.stringify(state.change(kind, json))}`;
        })
      : JSON.stringify(state.change(kind, JSON.parse(text)));
    return new Response(changed, {
      status,
      headers: { "content-type": headers.get("content-type") ?? "" },
    });
  }, "hosted");
  return { state, backend, client: await connect(async () => backend) };
}

interface Change {
  path: string;
  name: string;
  apply(json: unknown): unknown;
}

const VALUES: [string, (value: unknown) => unknown][] = [
  ["null", () => null],
  ["a number", () => 0.92],
  ["an object", () => ({ odd: { "a b": 1 } })],
  ["a list", () => ["odd", null, 3]],
  ["an empty text", () => ""],
  ["a new word", () => "novel_word"],
];

/** Every field of an answer, changed in every way. */
function changesOf(json: unknown, path: (string | number)[] = []): Change[] {
  const fields = isJsonObject(json)
    ? Object.entries(json)
    : Array.isArray(json)
      ? [...json.entries()]
      : [];
  return fields.flatMap(([key, value]) => {
    const at = [...path, key];
    const name = at.join(".");
    return [
      ...VALUES.map(([kind, make]) => ({
        path: name,
        name: `${name} is ${kind}`,
        apply: (root: unknown) => changeAt(root, at, make),
      })),
      { path: name, name: `${name} is missing`, apply: (root) => removeAt(root, at) },
      ...changesOf(value, at),
    ];
  });
}

function changeAt(
  json: unknown,
  [key, ...rest]: (string | number)[],
  make: (value: unknown) => unknown,
): unknown {
  if (key === undefined) return make(json);
  if (Array.isArray(json)) {
    return json.map((item: unknown, index) =>
      index === Number(key) ? changeAt(item, rest, make) : item,
    );
  }
  if (!isJsonObject(json) || !(key in json)) return json;
  return { ...json, [key]: changeAt(json[key], rest, make) };
}

function removeAt(json: unknown, path: (string | number)[]): unknown {
  return changeAt(json, path.slice(0, -1), (parent) => {
    const key = path.at(-1);
    if (Array.isArray(parent)) return parent.filter((_item, index) => index !== Number(key));
    const entries = Object.entries(z.record(z.string(), z.unknown()).parse(parent));
    return Object.fromEntries(entries.filter(([name]) => name !== key));
  });
}

type World = Awaited<ReturnType<typeof startOddBackend>>;

/** Runs `act` with each change of the answers of one kind. `sample` is one of them as it was. */
async function withEach(
  { state }: World,
  kind: Answer | GroupAnswer,
  sample: unknown,
  act: (change: Change) => Promise<void>,
): Promise<void> {
  const changes = changesOf(sample).filter((_change, index) => index % EVERY === 0);
  expect(changes.length).toBeGreaterThan(1);
  for (const change of changes) {
    state.change = (answer, json) => (answer === kind ? change.apply(json) : json);
    await act(change);
  }
  state.change = (_kind, json) => json;
}

/** The first answer of a kind that `act` brings; of a stream, the first event that fits. */
async function sampleOf(
  { state }: World,
  kind: Answer | GroupAnswer,
  act: () => Promise<unknown>,
  fits: (json: JsonObject) => boolean = () => true,
): Promise<JsonObject> {
  let sample: JsonObject | undefined;
  state.change = (answer, json) => {
    if (answer === kind && isJsonObject(json) && fits(json)) sample ??= json;
    return json;
  };
  await act();
  state.change = (_kind, json) => json;
  if (sample === undefined) throw new Error(`no answer of the kind ${kind}`);
  return sample;
}

async function completedRun({ client }: World, input = "json"): Promise<string> {
  const { report } = await client.call("create_task_run", { input, wait_seconds: 30 });
  expect(report.status).toBe("completed");
  return report.run_id ?? "";
}

test("a run: its id and its output are shown whatever another field is", async () => {
  const world = await startOddBackend();
  const run_id = await completedRun(world);
  const get = (view: string) =>
    world.client.call("get_task_run", { run_id, view, wait_seconds: 0 });
  const sample = await sampleOf(world, "run", () => get("status"));
  await withEach(world, "run", sample, async ({ path, name }) => {
    const { isError, report, text } = await get("auto");
    expect(isError, `${name}: ${text}`).toBe(false);
    expect(report.output, name).toEqual(CONTENT);
    if (path !== "run_id") expect(report.run_id, name).toBe(run_id);
    if (path !== "status") expect(report.status, name).toBe("completed");
    if (path !== "status" && path !== "is_active") expect(report.is_active, name).toBe(false);
    const brief = await get("status");
    expect(brief.isError, name).toBe(false);
    expect(brief.report.status, name).toBe(report.status);
  });
});

const VIEWS = ["output", "basis", "events", "status"];

test.each(["json", "text"])(
  "a result (%s): the output is shown in every view, and what could not be read is named",
  async (input) => {
    const world = await startOddBackend();
    const run_id = await completedRun(world, input);
    const get = (view: string) =>
      world.client.call("get_task_run", { run_id, view, wait_seconds: 0 });
    const sample = await sampleOf(world, "result", () => get("output"));
    let turn = 0;
    const content = z.looseObject({ output: z.looseObject({}) }).parse(sample).output["content"];
    await withEach(world, "result", sample, async ({ path, name }) => {
      turn += 1;
      for (const view of ["auto", VIEWS[turn % VIEWS.length] ?? "status"]) {
        const { isError, report, text } = await get(view);
        expect(isError, `${view}, ${name}: ${text}`).toBe(false);
        expect(report.run_id, name).toBe(run_id);
        expect(report.status, name).toBe("completed");
        const isShown = view === "auto" || view === "output";
        const isKept = path !== "output" && !path.startsWith("output.content");
        if (isShown && isKept) expect(report.output, `${view}, ${name}`).toEqual(content);
      }
    });
  },
);

test("the events of a run: a wait ends with its output", async () => {
  const world = await startOddBackend();
  const run_id = await completedRun(world);
  const get = () => world.client.call("get_task_run", { run_id, wait_seconds: 30 });
  for (const type of ["task_run.state", "task_run.progress_stats", "task_run.progress_msg.plan"]) {
    const fits = (json: JsonObject) => json["type"] === type;
    const sample = await sampleOf(world, "events", get, fits);
    await withEach(world, "events", sample, async ({ name }) => {
      const { isError, report, text } = await get();
      expect(isError, `${type}, ${name}: ${text}`).toBe(false);
      // A new word may say that the run goes on; all else is found out by reading the run.
      if (!name.includes("output")) expect(report.output, `${type}, ${name}`).toEqual(CONTENT);
      expect(report.run_id, name).toBeTypeOf("string");
    });
  }
});

test("the answer to a create: a run with an id was started", async () => {
  const world = await startOddBackend();
  const create = () => world.client.call("create_task_run", { input: "slow" });
  const sample = await sampleOf(world, "create", create);
  await withEach(world, "create", sample, async ({ path, name }) => {
    const { isError, report, text } = await create();
    if (path === "run_id") return;
    expect(isError, `${name}: ${text}`).toBe(false);
    expect(report.run_id, name).toMatch(/^trun_/);
    if (path !== "is_active") expect(report.is_active, name).toBe(true);
  });
  const { report } = await world.client.call("list_task_runs", { status: "unknown" });
  const withoutId = VALUES.length - 1 + 1;
  expect(report.runs?.length ?? 0).toBeLessThanOrEqual(withoutId);
});

test("the answers to a new group and to added runs: no id is lost", async () => {
  const world = await startOddBackend();
  const create = () => world.client.call("create_task_group", { inputs: ["slow a", "slow b"] });
  const created = await sampleOf(world, "create-group", create);
  await withEach(world, "create-group", created, async ({ path, name }) => {
    if (path === "taskgroup_id") return;
    const { isError, report, text } = await create();
    expect(isError, `${name}: ${text}`).toBe(false);
    expect(report.taskgroup_id, name).toMatch(/^tgrp_/);
  });
  const added = await sampleOf(world, "add-runs", create);
  await withEach(world, "add-runs", added, async ({ path, name }) => {
    if (path === "run_ids") return;
    const { isError, report, text } = await create();
    expect(isError, `${name}: ${text}`).toBe(false);
    expect(report.summary, name).toContain("Started 2 runs.");
    // The other run keeps its own question.
    const { taskgroup_id } = report;
    const { report: list } = await world.client.call("list_task_runs", { taskgroup_id });
    const known = list.runs?.filter(({ status }) => status !== "unknown") ?? [];
    expect(known.length, name).toBeGreaterThanOrEqual(path.startsWith("run_ids.") ? 1 : 2);
  });
});

test("a group and its runs: the rows are shown, or it is said that some are missing", async () => {
  const world = await startOddBackend();
  const { report: group } = await world.client.call("create_task_group", {
    inputs: ["a", "b"],
    wait_seconds: 30,
  });
  const { taskgroup_id } = group;
  const get = () => world.client.call("get_task_group", { taskgroup_id, view: "results" });
  const kinds: GroupAnswer[] = ["group", "group-runs", "group-events"];
  for (const kind of kinds) {
    const fits = (json: JsonObject) => kind === "group" || json["type"] !== undefined;
    const act = async () => {
      await get();
      if (kind === "group-events" && taskgroup_id !== undefined) {
        for await (const event of world.backend.client.streamGroupEvents(taskgroup_id, {})) {
          if (event.type === "error") break;
        }
      }
    };
    const sample = await sampleOf(world, kind, act, fits);
    await withEach(world, kind, sample, async ({ name, path }) => {
      const { isError, report, text } = await get();
      expect(isError, `${kind}, ${name}: ${text}`).toBe(false);
      if (path !== "taskgroup_id") expect(report.taskgroup_id, name).toBe(taskgroup_id);
      const isWhole = report.runs?.length === 2;
      if (kind !== "group")
        expect(isWhole || text.includes("missing"), `${name}: ${text}`).toBe(true);
      if (!isWhole) expect(text, name).not.toContain("All results are shown");
    });
  }
});

test("the answer to a cancel, and the list of runs", async () => {
  const world = await startOddBackend();
  const start = async () =>
    (await world.client.call("create_task_run", { input: "slow" })).report.run_id ?? "";
  const cancel = async () => world.client.call("cancel_task_run", { run_id: await start() });
  const cancelled = await sampleOf(world, "cancel", cancel);
  await withEach(world, "cancel", cancelled, async ({ name }) => {
    const { isError, report, text } = await cancel();
    expect(isError, `${name}: ${text}`).toBe(false);
    expect(report.outcome, name).toMatch(/^cancel/);
  });
  const list = () => world.backend.client.listRuns({ limit: 2 });
  const listed = await sampleOf(world, "list", list);
  await withEach(world, "list", listed, async ({ path, name }) => {
    // Another server's JSON is no list of runs: what it offers must not be guessed.
    if (path === "runs" || path.endsWith(".run_id")) return;
    expect((await list()).runs.length, name).toBeGreaterThanOrEqual(
      path.match(/^runs\.\d$/) ? 1 : 2,
    );
  });
});

test("an error of the API is the same error whatever else its body holds", async () => {
  const world = await startOddBackend();
  const body = {
    type: "error",
    error: {
      ref_id: "ref-1",
      message: "their words",
      detail: { errors: [{ type: "missing", loc: ["body", 0, "x"], msg: "Required" }] },
    },
  };
  for (const change of changesOf(body)) {
    if (change.path === "error") continue;
    world.state.change = () => change.apply(body);
    expect(await errorOf(world.backend.client.retrieveRun("trun_1")), change.name).toMatchObject({
      name: "RunNotFound",
    });
  }
});

test.each([
  ["output.basis", null, "output.basis"],
  ["output.basis.0.reasoning", null, "output.basis.0.reasoning"],
  ["output.basis.0.confidence", 0.92, "output.basis.0.confidence"],
  ["output.basis.0.citations.0.url", null, "output.basis.0.citations.0.url"],
  ["output.basis.0.field", undefined, "output.basis.0.field"],
  ["output.mcp_tool_calls.0.arguments", { q: 1 }, "output.mcp_tool_calls.0.arguments"],
  ["output.type", "table", "output"],
])("%s = %j is told as not read", async (path, value, named) => {
  const world = await startOddBackend();
  const run_id = await completedRun(world);
  world.state.change = (kind, json) =>
    kind === "result" ? changeAt(json, path.split("."), () => value) : json;
  const { report } = await world.client.call("get_task_run", { run_id, wait_seconds: 0 });
  expect(report.output).toEqual(CONTENT);
  expect(report.notes).toEqual([expect.stringContaining(NOTE)]);
  expect(report.notes?.[0]).toContain(named);
});

test.each([
  ["processor", null],
  ["is_active", undefined],
  ["created_at", 1_745_439_708],
  ["warnings", ["w"]],
  ["warnings", [{ type: "warning", message: null }]],
])("a run whose %s is %j is read, and the field is named", async (field, value) => {
  const world = await startOddBackend();
  const run_id = await completedRun(world);
  world.state.change = (kind, json) =>
    kind === "run" && isJsonObject(json) ? { ...json, [field]: value } : json;
  const { report } = await world.client.call("get_task_run", {
    run_id,
    view: "status",
    wait_seconds: 0,
  });
  expect(report).toMatchObject({ run_id, status: "completed", is_active: false });
  expect(report.notes?.[0]).toContain(field);
});

test("content of another form is shown as JSON, and a warning as it came", async () => {
  const world = await startOddBackend();
  const run_id = await completedRun(world, "text");
  const show = async (output: JsonObject) => {
    world.state.change = (kind, json) =>
      kind === "result" && isJsonObject(json) ? { ...json, output } : json;
    return (await world.client.call("get_task_run", { run_id, wait_seconds: 0 })).report;
  };
  expect(await show({ type: "text", content: { a: 1 } })).toMatchObject({
    output: { a: 1 },
  });
  expect(await show({ type: "json", content: ["a", { b: 2 }] })).toMatchObject({
    output: JSON.stringify(["a", { b: 2 }], null, 2),
  });
  expect(await show({ type: "table", content: "a,b" })).toMatchObject({ output: "a,b" });
  world.state.change = (kind, json) =>
    kind === "run" && isJsonObject(json) ? { ...json, warnings: ["w", { message: 3 }] } : json;
  const { report } = await world.client.call("get_task_run", { run_id, wait_seconds: 0 });
  expect(report.warnings?.[0]).toBe("w");
  expect(report.warnings?.[1]).toContain('"message": 3');
});
