import { expect, test } from "vitest";
import { createManualClock } from "../client/manual-clock.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOf, backendOn, clientKinds, connect } from "./connect.ts";

async function answering() {
  const engine = await startTestEngine(async () => textResult("the answer"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  return { engine, backend, client };
}

test.each(clientKinds)("%s: runs are listed newest first, with their question", async (kind) => {
  const engine = await startTestEngine(async () => textResult("the answer"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { kind });
  const first = await client.call("create_task_run", { input: "Why is the sky blue?" });
  const second = await client.call("create_task_run", { input: { country: "France" } });
  const { report, texts } = await client.call("list_task_runs", {});
  expect(report.runs?.map(({ run_id, question }) => [run_id, question])).toEqual([
    [second.report.run_id, "country: France"],
    [first.report.run_id, "Why is the sky blue?"],
  ]);
  expect(texts[0]).toContain("2 runs, newest first.");
  // The questions are the caller's own: nothing here is behind a fence.
  expect(texts).toHaveLength(1);
  expect(texts[0]).toContain(`| ${String(first.report.run_id)} |`);
  expect(texts[0]).toContain("| Why is the sky blue? |");
});

test("pages lead through all runs, each once", async () => {
  const { client } = await answering();
  for (const input of ["1", "2", "3", "4", "5"]) await client.call("create_task_run", { input });
  const questions: unknown[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 5; pages += 1) {
    const { report } = await client.call("list_task_runs", { limit: 2, ...(cursor && { cursor }) });
    questions.push(...(report.runs ?? []).map(({ question }) => question));
    cursor = report.next_cursor;
    if (cursor === undefined) break;
    expect(report.next_step).toContain(`"cursor":"${cursor}"`);
  }
  expect(questions).toEqual(["5", "4", "3", "2", "1"]);
});

test("words of the question, status, group and time narrow the list", async () => {
  const { client, engine } = await answering();
  const sky = await client.call("create_task_run", {
    input: "Why is the SKY blue?",
    wait_seconds: 30,
  });
  await client.call("create_task_run", { input: "100% of what?" });
  const { report: group } = await client.call("create_task_group", { inputs: ["In a group"] });
  const list = async (args: Record<string, unknown>) =>
    (await client.call("list_task_runs", args)).report.runs?.map(({ question }) => question);
  expect(await list({ text: "sky" })).toEqual(["Why is the SKY blue?"]);
  expect(await list({ text: "%" })).toEqual(["100% of what?"]);
  expect(await list({ taskgroup_id: group.taskgroup_id })).toEqual(["In a group"]);
  expect(await list({ status: "failed" })).toEqual([]);
  expect(await list({ since: "2999-01-01T00:00:00Z" })).toEqual([]);
  expect(await list({ until: "2999-01-01T00:00:00Z" })).toHaveLength(3);
  expect(sky.report.status).toBe("completed");
  expect(engine).toBeDefined();
});

test("a status is held against what is true now", async () => {
  const { client, engine } = await answering();
  const created = await client.call("create_task_run", { input: "Why?" });
  // It ends while nobody of this server looks.
  const path = `http://engine/v1/tasks/runs/${created.report.run_id}/result?timeout=30`;
  await engine.fetch(new Request(path));
  expect((await client.call("list_task_runs", { status: "active" })).report.runs).toEqual([]);
  const { report } = await client.call("list_task_runs", { status: "completed" });
  expect(report.runs).toMatchObject([{ run_id: created.report.run_id }]);
  expect(report.summary).toBe("1 completed run.");
});

/** A group of so many runs that wait, with the requests that the backend was sent afterwards. */
async function waitingGroup(count: number, profile: "extended" | "hosted" = "extended") {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal), { profile });
  const requests: string[] = [];
  let isDown = false;
  const backend = await backendOf((request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return isDown
      ? Promise.resolve(new Response("gateway", { status: 502 }))
      : engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const inputs = Array.from({ length: count }, (_, index) => `question ${index}`);
  const { report } = await client.call("create_task_group", { inputs });
  requests.length = 0;
  const breakDown = () => (isDown = true);
  return { engine, client, backend, taskgroup_id: report.taskgroup_id ?? "", requests, breakDown };
}

test("after a group was cancelled, all its runs are listed as cancelled, on pages that say where they are", async () => {
  const { client, engine, taskgroup_id, requests } = await waitingGroup(633);
  // Not through this server, which would look at them.
  const url = `http://engine/v1/tasks/groups/${taskgroup_id}/cancel`;
  await engine.fetch(new Request(url, { method: "POST" }));
  const counts = async () => {
    const group = await engine.fetch(new Request(`http://engine/v1/tasks/groups/${taskgroup_id}`));
    return group.json();
  };
  await expect
    .poll(counts)
    .toMatchObject({ status: { task_run_status_counts: { cancelled: 633 } } });
  const first = await client.call("list_task_runs", { status: "cancelled", limit: 200 });
  expect(first.report.summary).toBe(
    `633 cancelled runs, 1 to 50 shown (all of group ${taskgroup_id}), newest first.`,
  );
  expect(first.report.notes).toEqual(["limit lowered to 50, the most a page has."]);
  expect(requests).toEqual([`GET /v1/tasks/groups/${taskgroup_id}/runs`]);
  const seen = new Set(first.report.runs?.map(({ run_id }) => run_id));
  let { next_cursor: cursor } = first.report;
  let last = first;
  while (cursor !== undefined) {
    expect(last.report.next_step).toContain(
      `list_task_runs {"status":"cancelled","limit":50,"cursor":"${cursor}"}`,
    );
    last = await client.call("list_task_runs", { status: "cancelled", limit: 50, cursor });
    for (const { run_id } of last.report.runs ?? []) seen.add(run_id);
    cursor = last.report.next_cursor;
  }
  expect(seen.size).toBe(633);
  expect(last.report.summary).toContain("633 cancelled runs, 601 to 633 shown");
  const active = await client.call("list_task_runs", { status: "active" });
  expect(active.report.summary).toBe("No run fits: status active.");
});

test("many runs of no group are seen with one request where the backend lists runs", async () => {
  const { client, engine, requests } = await waitingGroup(1);
  for (let index = 0; index < 12; index += 1) {
    await client.call("create_task_run", { input: `single ${index}` });
  }
  requests.length = 0;
  const { report } = await client.call("list_task_runs", { text: "single", status: "active" });
  expect(report.runs).toHaveLength(12);
  expect(requests.filter((request) => request !== "GET /v1/tasks/runs")).toEqual([]);
  expect(engine).toBeDefined();
});

test("elsewhere they are looked at one by one", async () => {
  const { client, requests } = await waitingGroup(1, "hosted");
  for (let index = 0; index < 12; index += 1) {
    await client.call("create_task_run", { input: `single ${index}` });
  }
  requests.length = 0;
  const { report } = await client.call("list_task_runs", { text: "single", status: "active" });
  expect(report.runs).toHaveLength(12);
  expect(requests.filter((request) => request.startsWith("GET /v1/tasks/runs/"))).toHaveLength(12);
});

test("a backend that fails is not asked for every run, and the list says what is old", async () => {
  const { client, taskgroup_id, requests, breakDown } = await waitingGroup(633);
  breakDown();
  const { report } = await client.call("list_task_runs", { taskgroup_id, status: "active" });
  expect(report.summary).toBe(
    `633 active runs of group ${taskgroup_id}, 1 to 20 shown, newest first.`,
  );
  expect(report.notes).toEqual([
    expect.stringMatching(/^States as of \S+Z for 633 runs: the backend did not answer in time\.$/),
  ]);
  expect(requests.length).toBeLessThan(20);
});

test("rows leave out what they all share, and prices of nothing", async () => {
  const { client, taskgroup_id } = await waitingGroup(2);
  const args = { taskgroup_id, status: "running" };
  await expect
    .poll(async () => (await client.call("list_task_runs", args)).report.runs)
    .toHaveLength(2);
  const { report, text } = await client.call("list_task_runs", args);
  expect(report.runs).toEqual([
    {
      run_id: expect.any(String),
      question: "question 1",
      processor: "base",
      created_at: expect.stringMatching(/:\d\dZ$/),
    },
    expect.objectContaining({ question: "question 0" }),
  ]);
  expect(report.spending).toBeUndefined();
  expect(text).toContain("| run_id | question | processor | created_at |");
  expect(text.split(taskgroup_id)).toHaveLength(2);
});

test("ids alone are listed many at a time, groups one per row", async () => {
  const { client, taskgroup_id } = await waitingGroup(60);
  await client.call("create_task_run", { input: "alone" });
  const ids = await client.call("list_task_runs", { view: "ids" });
  expect(ids.report.summary).toBe("61 runs, newest first.");
  expect(new Set(ids.report.run_ids).size).toBe(61);
  expect(ids.report.runs).toBeUndefined();
  expect(ids.text).toContain(`\n${ids.report.run_ids?.join("\n")}`);
  const some = await client.call("list_task_runs", { view: "ids", limit: 40 });
  expect(some.report.next_step).toContain('{"view":"ids","limit":40,"cursor":');

  const other = await client.call("create_task_group", { inputs: ["another"] });
  const list = { view: "groups", limit: 1 };
  const groups = await client.call("list_task_runs", list);
  expect(groups.report.summary).toBe(
    "2 groups, 1 to 1 shown, newest first. Besides 1 run outside of groups.",
  );
  expect(groups.report.runs).toMatchObject([{ taskgroup_id: other.report.taskgroup_id }]);
  const { next_cursor: cursor } = groups.report;
  const rest = await client.call("list_task_runs", { ...list, cursor });
  expect(rest.report.runs).toEqual([
    { taskgroup_id, created_at: expect.any(String), counts: expect.any(Object) },
  ]);
  expect(Object.values(rest.report.runs?.[0]?.counts ?? {}).reduce((a, b) => a + b, 0)).toBe(60);
  expect(rest.report.next_cursor).toBeUndefined();
});

test.each([
  ["done", "completed"],
  ["Finished", "completed"],
  ["error", "failed"],
  ["pending", "queued"],
  ["in progress", "running"],
  ["canceled", "cancelled"],
  ["failed, cancelled", "failed,cancelled"],
  ["ended", "completed,failed,cancelled"],
])("status %s is read as %s", async (status, meant) => {
  const { client } = await answering();
  const { report } = await client.call("list_task_runs", { status });
  expect(report.summary).toBe(`No run fits: status ${meant}.`);
});

test("times are read as people write them", async () => {
  const { client } = await answering();
  await client.call("create_task_run", { input: "Why?" });
  const today = new Date().toISOString().slice(0, 10);
  for (const [args, count] of [
    [{ since: "today" }, 1],
    [{ since: "2h" }, 1],
    [{ since: "3 days ago" }, 1],
    [{ since: today, until: today }, 1],
    [{ until: "yesterday" }, 0],
    [{ since: "yesterday", until: "an hour ago" }, 0],
    [{ until: "today" }, 1],
  ] as const) {
    const { report } = await client.call("list_task_runs", args);
    expect(report.runs, JSON.stringify(args)).toHaveLength(count);
  }
});

test("the words of a text are found in any order, and each must be there", async () => {
  const { client } = await answering();
  await client.call("create_task_run", { input: "Why is the sky blue?" });
  const found = async (text: string) =>
    (await client.call("list_task_runs", { text })).report.runs?.length;
  expect(await found("blue sky")).toBe(1);
  expect(await found("green sky")).toBe(0);
});

test("a run that is being sent is not unknown", async () => {
  const arrived = deferred();
  const held = deferred();
  const engine = await startTestEngine(async () => textResult("the answer"));
  const backend = await backendOf(async (request) => {
    if (request.method === "POST") {
      arrived.resolve();
      await held.promise;
    }
    return engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const creating = client.call("create_task_run", { input: "Why?" });
  await arrived.promise;
  const { report } = await client.call("list_task_runs", {});
  expect(report.runs).toMatchObject([{ status: "sending" }]);
  expect(JSON.stringify(report)).not.toMatch(/bill|unknown/);
  const unknown = await client.call("list_task_runs", { status: "unknown" });
  expect(unknown.report.runs).toEqual([]);
  held.resolve();
  await creating;
});

test("a backend that does not answer makes the list old, not late", async () => {
  const clock = createManualClock();
  const asked = deferred();
  const engine = await startTestEngine(() => new Promise(() => {}));
  const backend = await backendOf((request) => {
    if (request.method !== "GET") return engine.fetch(request);
    asked.resolve();
    return new Promise(() => {});
  });
  const client = await connect(async () => backend, { clock });
  const created = await client.call("create_task_run", { input: "Why?" });
  const listing = client.call("list_task_runs", {});
  await asked.promise;
  clock.advance(5_000);
  const { report } = await listing;
  expect(report.runs).toMatchObject([{ run_id: created.report.run_id, status: "queued" }]);
  expect(report.notes).toEqual([
    expect.stringMatching(/^States as of \S+Z for 1 run: the backend did not answer in time\.$/),
  ]);
});

test("a cursor that is none, and a time that is none, are refused with what to write", async () => {
  const { client } = await answering();
  const cursor = await client.call("list_task_runs", { cursor: "x" });
  expect(cursor.isError).toBe(true);
  expect(cursor.text).toContain("- cursor: write the next_cursor of an earlier page");
  const since = await client.call("list_task_runs", { since: "some day" });
  expect(since.text).toContain("- since: write today, yesterday, a time ago");
  const status = await client.call("list_task_runs", { status: "gone" });
  expect(status.text).toContain("- status: write one of active, queued, running,");
});

test("a run that the backend has dropped is still answered from what was kept", async () => {
  const engine = await startTestEngine(async () => textResult("the kept answer"));
  let isGone = false;
  const backend = await backendOf(async (request) =>
    isGone
      ? Response.json({ type: "error", error: { message: "Run id not found" } }, { status: 404 })
      : engine.fetch(request),
  );
  const client = await connect(async () => backend);
  const created = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  const run_id = created.report.run_id;
  isGone = true;
  const { report, isError } = await client.call("get_task_run", { run_id, wait_seconds: 0 });
  expect(isError).toBe(false);
  expect(report).toMatchObject({ status: "completed", output: "the kept answer" });
  expect(report.notes).toEqual([
    "The backend no longer has this run; this is what was kept of it here.",
  ]);
  const strange = await client.call("get_task_run", { run_id: "trun_other", wait_seconds: 0 });
  expect(strange.isError).toBe(true);
});
