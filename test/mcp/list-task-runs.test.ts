import { expect, test } from "vitest";
import { createManualClock } from "../client/manual-clock.ts";
import { deferred, startTestEngine, textResult } from "../engine/start-test-engine.ts";
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
    [second.report.run_id, '{"country":"France"}'],
    [first.report.run_id, "Why is the sky blue?"],
  ]);
  expect(texts[0]).toContain("2 runs, the newest first.");
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

test("runs that were active when last seen are looked at again", async () => {
  const { client, engine } = await answering();
  const created = await client.call("create_task_run", { input: "Why?" });
  // It ends while nobody of this server looks.
  const path = `http://engine/v1/tasks/runs/${created.report.run_id}/result?timeout=30`;
  await engine.fetch(new Request(path));
  const { report } = await client.call("list_task_runs", { status: "active" });
  expect(report.runs).toMatchObject([{ run_id: created.report.run_id, status: "completed" }]);
  expect((await client.call("list_task_runs", { status: "active" })).report.runs).toEqual([]);
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
  await clock.until(() => clock.sleeps.includes(5_000));
  clock.advance(5_000);
  const { report } = await listing;
  expect(report.runs).toMatchObject([{ run_id: created.report.run_id, status: "queued" }]);
  expect(report.notes).toEqual([
    "The backend did not answer for some active runs; they are shown as last seen.",
  ]);
});

test("a cursor that is none, and a time that is none, are refused with what to write", async () => {
  const { client } = await answering();
  const cursor = await client.call("list_task_runs", { cursor: "x" });
  expect(cursor.isError).toBe(true);
  expect(cursor.text).toContain("- cursor: write the next_cursor of an earlier page");
  const since = await client.call("list_task_runs", { since: "yesterday" });
  expect(since.text).toContain("- since: write a time such as 2026-11-24T09:00:00Z");
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
