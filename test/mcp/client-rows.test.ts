import { Ajv } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { deferred, startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";
import { type RawSession, openRawSession } from "./raw-session.ts";
import { questionOf } from "./stories.ts";

// Each test is a row of what real clients were seen to do with a server.

const Result = z.strictObject({
  content: z.array(z.strictObject({ type: z.string(), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});
type Result = z.infer<typeof Result>;

const Tool = z.looseObject({
  name: z.string(),
  inputSchema: z.object({ properties: z.record(z.string(), z.unknown()) }).loose(),
  outputSchema: z.looseObject({}),
});

/** Runs that answer, fail (`bad …`) or go on (`slow …`), behind a server with little left to spend. */
async function startSession() {
  const engine = await startTestEngine(async ({ input, signal, report }) => {
    const question = questionOf(input);
    await report({ type: "task_run.progress_msg.plan", message: `Planning ${question}` });
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("bad")) throw new ExecutionFailed(`Nothing about ${question}`);
    const citations = [{ url: "https://example.org", title: "Example", excerpts: ["Quoted."] }];
    const basis = [{ field: "output", reasoning: "It says so.", confidence: "high", citations }];
    return { output: { type: "text", content: "# One\n\nText.", basis }, warnings: [] };
  });
  const backend = await backendOn(engine, "hosted");
  return openRawSession(async () => backend, {
    protocolVersion: "2025-06-18",
    budgetUsdPerDay: 1,
  });
}

async function call(session: RawSession, name: string, args: object): Promise<Result> {
  return Result.parse(await session.request("tools/call", { name, arguments: args }));
}

async function listTools(session: RawSession) {
  return z.array(Tool).parse((await session.request("tools/list"))["tools"]);
}

interface PathResult {
  /** What the call is, such as "get_task_run: unknown". */
  path: string;
  name: string;
  result: Result;
}

/** A result of every path through every tool. */
async function takeEveryPath(session: RawSession): Promise<PathResult[]> {
  const results: PathResult[] = [];
  const take = async (path: string, name: string, args: object): Promise<Result> => {
    const result = await call(session, name, args);
    results.push({ path: `${name}: ${path}`, name, result });
    return result;
  };
  const idOf = ({ structuredContent }: Result, name: string) =>
    z.string().parse(structuredContent?.[name]);

  const slow = await take("active", "create_task_run", { input: "slow" });
  const active = idOf(slow, "run_id");
  const done = idOf(
    await take("done", "create_task_run", { input: "a", wait_seconds: 30 }),
    "run_id",
  );
  const bad = await take("failed", "create_task_run", { input: "bad", wait_seconds: 30 });
  await take("known key", "create_task_run", { input: "b", idempotency_key: "k" });
  await take("the same key", "create_task_run", { input: "b", idempotency_key: "k" });
  await take("dry run", "create_task_run", { input: "a", dry_run: true });
  await take("refused cost", "create_task_run", { input: "a", processor: "ultra8x" });
  await take("wrong arguments", "create_task_run", {});
  for (const view of ["auto", "status", "output", "basis", "events"]) {
    for (const run_id of [active, done, idOf(bad, "run_id")]) {
      await take(`${view} of a run`, "get_task_run", { run_id, view, wait_seconds: 0 });
    }
  }
  await take("section", "get_task_run", { run_id: done, section: "One" });
  await take("no such section", "get_task_run", { run_id: done, section: "Two" });
  await take("field", "get_task_run", { run_id: done, field: "output", view: "basis" });
  await take("unknown", "get_task_run", { run_id: "trun_none" });
  const created = await take("active", "create_task_group", { inputs: ["slow", "a", "bad"] });
  const taskgroup_id = idOf(created, "taskgroup_id");
  await take("dry run", "create_task_group", { inputs: ["a"], dry_run: true });
  await take("wrong arguments", "create_task_group", { inputs: [] });
  await take("refused cost", "create_task_group", { inputs: ["a"], processor: "ultra8x" });
  for (const view of ["auto", "status", "results", "failures"]) {
    await take(view, "get_task_group", { taskgroup_id, view, wait_seconds: 0 });
  }
  await take("unknown", "get_task_group", { taskgroup_id: "tgrp_none" });
  await take("some", "list_task_runs", { limit: 2 });
  await take("none", "list_task_runs", { text: "never asked" });
  await take("wrong arguments", "list_task_runs", { cursor: "x" });
  await take("active", "cancel_task_run", { run_id: active });
  await take("finished", "cancel_task_run", { run_id: done });
  await take("unknown", "cancel_task_run", { run_id: "trun_none" });
  await take("active", "cancel_task_group", { taskgroup_id });
  await take("finished", "cancel_task_group", { taskgroup_id });
  await take("unknown", "cancel_task_group", { taskgroup_id: "tgrp_none" });
  await take("all done", "get_task_group", { taskgroup_id });
  return results;
}

let tools: z.infer<typeof Tool>[];
let everyPath: PathResult[];

beforeAll(async () => {
  const session = await startSession();
  tools = await listTools(session);
  everyPath = await takeEveryPath(session);
});

test("no result holds a resource_link: everything is text", () => {
  for (const { path, result } of everyPath) {
    expect(new Set(result.content.map(({ type }) => type)), path).toEqual(new Set(["text"]));
  }
});

test("no schema holds $schema or $ref", () => {
  expect(JSON.stringify(tools)).not.toMatch(/"\$(schema|ref|defs)"/);
});

test("every path of every tool matches its listed output schema, and errors are marked", () => {
  const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true });
  const validators = new Map(
    tools.map(({ name, outputSchema }) => [name, ajv.compile(outputSchema)]),
  );
  expect(new Set(everyPath.map(({ name }) => name)).size).toBe(7);
  for (const { path, name, result } of everyPath) {
    if (result.isError === true) {
      expect(result.structuredContent, path).toBeUndefined();
      continue;
    }
    const validate = validators.get(name);
    expect(
      validate?.(result.structuredContent),
      `${path}: ${ajv.errorsText(validate?.errors)}`,
    ).toBe(true);
  }
  expect(everyPath.filter(({ result }) => result.isError).length).toBeGreaterThan(7);
});

test("content is never empty, with an error neither; words of a run are a second block", () => {
  for (const { path, result } of everyPath) {
    const [ours, theirs, ...others] = result.content.map(({ text }) => text);
    expect(ours?.trim(), path).not.toBe("");
    expect(ours, path).not.toContain("<<<data");
    if (theirs !== undefined) expect(theirs, path).toContain("<<<data");
    expect(others, path).toEqual([]);
    const hasOutput = result.structuredContent?.["output"] !== undefined;
    if (hasOutput) expect(theirs, path).toContain("Text.");
  }
});

test("the text of an error says by itself that it is one, and what to do", () => {
  for (const { path, result } of everyPath) {
    const [first = ""] = result.content.map(({ text }) => text);
    expect(first.startsWith("Error: "), path).toBe(result.isError === true);
    expect(first, path).toMatch(/^Next: \S+/m);
  }
});

test("a call waits less than 60 s, whatever it asks for, and says so", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOn(engine);
  const clock = createManualClock();
  const client = await connect(async () => backend, { clock });
  const calling = client.call("create_task_run", { input: "slow", wait_seconds: 600 });
  await clock.until(() => clock.sleeps.includes(50_000));
  clock.advance(50_000);
  expect((await calling).report.summary).toContain(
    "after 50 s of waiting, the longest one call waits here",
  );
});

test("whatever progress says, the result says too", async () => {
  const held = "Reading page 7 of 9";
  const engine = await startTestEngine(async ({ report, signal }) => {
    await report({
      type: "task_run.progress_stats",
      progress_meter: 42,
      source_stats: { num_sources_considered: 9, num_sources_read: 7 },
    });
    await report({ type: "task_run.progress_msg.search", message: held });
    return untilAborted(signal);
  });
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report: created } = await client.call("create_task_run", { input: "Why?" });
  const messages: string[] = [];
  const { report, text } = await client.call(
    "get_task_run",
    { run_id: created.run_id, wait_seconds: 4 },
    { onprogress: ({ message = "" }) => messages.push(message) },
  );
  expect(messages.join()).toContain(held);
  expect(report).toMatchObject({
    percent: 42,
    latest_step: held,
    sources_read: 7,
    sources_considered: 9,
  });
  expect(text).toContain(`latest_step:\n${held}`);
  const events = await client.call("get_task_run", {
    run_id: created.run_id,
    view: "events",
    wait_seconds: 0,
  });
  expect(events.report.events).toMatchObject([{ kind: "search", message: held }]);
});

test.each(["extended", "hosted"] as const)(
  "%s profile: the steps of a run that has ended are still there for a client without progress",
  async (profile) => {
    const seen = deferred();
    const engine = await startTestEngine(
      async ({ report }) => {
        await report({ type: "task_run.progress_msg.plan", message: "The first step" });
        await seen.promise;
        return { output: { type: "text", content: "Done.", basis: [] }, warnings: [] };
      },
      { profile },
    );
    const backend = await backendOn(engine);
    const client = await connect(async () => backend);
    const { report } = await client.call(
      "create_task_run",
      { input: "Why?", wait_seconds: 30 },
      { onprogress: ({ message }) => message?.includes("The first step") && seen.resolve() },
    );
    expect(report.status).toBe("completed");
    const { run_id } = report;
    const events = await client.call("get_task_run", { run_id, view: "events" });
    // The hosted API replays nothing; what was seen while waiting is kept here.
    expect(events.report.events).toMatchObject([{ message: "The first step" }]);
  },
);

test("arguments that a client adds by itself are ignored by every tool, and named", async () => {
  const session = await startSession();
  const created = await call(session, "create_task_run", { input: "slow" });
  const group = await call(session, "create_task_group", { inputs: ["slow"] });
  const args: Record<string, object> = {
    create_task_run: { input: "a" },
    get_task_run: { run_id: created.structuredContent?.["run_id"], wait_seconds: 0 },
    cancel_task_run: { run_id: created.structuredContent?.["run_id"] },
    list_task_runs: {},
    create_task_group: { inputs: ["a"] },
    get_task_group: { taskgroup_id: group.structuredContent?.["taskgroup_id"], wait_seconds: 0 },
    cancel_task_group: { taskgroup_id: group.structuredContent?.["taskgroup_id"] },
  };
  for (const { name } of tools) {
    const result = await call(session, name, { ...args[name], wait_for_previous: true });
    expect(result.isError, name).toBeUndefined();
    expect(result.structuredContent?.["summary"], name).toMatch(/ Ignored: wait_for_previous\.$/);
    expect(result.content[0]?.text.split("\n")[0], name).toMatch(/ Ignored: wait_for_previous\.$/);
  }
});

test("one factory speaks the revisions that clients were seen to speak", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOn(engine);
  for (const protocolVersion of ["2025-06-18", "2025-11-25"]) {
    const { opening } = await openRawSession(async () => backend, { protocolVersion });
    expect(opening["protocolVersion"]).toBe(protocolVersion);
  }
  for (const kind of [...clientKinds, "v2 client, any"] as const) {
    const client = await connect(async () => backend, { kind });
    expect((await client.listTools()).tools).toHaveLength(7);
  }
});
