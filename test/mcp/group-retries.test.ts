import { expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { startTestEngine, textResult, untilAborted } from "../engine/start-test-engine.ts";
import { backendOf, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

// A retried input is one input: it is shown and counted by its latest attempt.

const PROFILES = ["extended", "hosted"] as const;

/** `bad n …` fails the first n times, `slow …` goes on; requests are counted by their path. */
async function start(profile: (typeof PROFILES)[number] = "extended") {
  const attempts = new Map<string, number>();
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      const question = questionOf(input);
      const attempt = (attempts.get(question) ?? 0) + 1;
      attempts.set(question, attempt);
      const [, failures = "0"] = /^bad (\d+)/.exec(question) ?? [];
      if (question.startsWith("slow")) return untilAborted(signal);
      if (attempt <= Number(failures)) throw new ExecutionFailed(`Attempt ${attempt} failed.`);
      return textResult(`${question}: attempt ${attempt}`);
    },
    { profile },
  );
  const asked: string[] = [];
  const backend = await backendOf((request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return engine.fetch(request);
  }, "hosted");
  const client = await connect(async () => backend);
  const create = async (args: Record<string, unknown>) =>
    (await client.call("create_task_group", { wait_seconds: 30, ...args })).report;
  const get = async (args: Record<string, unknown>) =>
    (await client.call("get_task_group", args)).report;
  /** The rows of all pages. */
  async function readAll(args: Record<string, unknown>) {
    const rows = [];
    let cursor: string | undefined;
    do {
      const page = await get({ ...args, ...(cursor !== undefined && { cursor }) });
      rows.push(...(page.runs ?? []));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    return rows;
  }
  /** A server with a record of its own. */
  async function elsewhere() {
    const own = await backendOf(engine.fetch, "hosted");
    return connect(async () => own);
  }
  return { client, asked, create, get, readAll, elsewhere };
}

test.each(PROFILES)(
  "%s: a group is retried until it is clean, and read in one table in the order of its inputs",
  async (profile) => {
    const { create, get, readAll } = await start(profile);
    const inputs = Array.from({ length: 12 }, (_, index) =>
      index % 4 === 0 ? `bad ${index / 4} of ${index}` : `good ${index}`,
    );
    const first = await create({ inputs });
    const { taskgroup_id } = first;
    expect(first.summary).toContain("12 of 12 runs are done (10 completed, 2 failed).");
    expect(first.runs?.map(({ question }) => question)).not.toContain("bad 1 of 4");

    const second = await create({ taskgroup_id, retry_failed: true });
    expect(second.summary).toContain(
      "Started 2 runs. 12 of 12 runs are done (11 completed, 1 failed).",
    );
    const failed = await get({ taskgroup_id, view: "failures" });
    expect(failed.runs).toMatchObject([{ question: "bad 2 of 8", error: "Attempt 2 failed." }]);

    const third = await create({ taskgroup_id, retry_failed: true });
    expect(third.summary).toBe("Started 1 run. 12 of 12 runs are done (12 completed).");
    expect(third.next_step).not.toContain("failed");
    expect(third.runs?.map(({ question }) => question)).toEqual(inputs);
    expect(third.runs?.[8]?.output).toBe("bad 2 of 8: attempt 3");

    for (const limit of [1, 5, 12]) {
      const rows = await readAll({ taskgroup_id, view: "results", limit });
      expect(rows).toEqual(third.runs);
    }
    const clean = await get({ taskgroup_id, view: "failures" });
    expect(clean.runs).toEqual([]);
    expect(clean.summary).toBe("12 of 12 runs are done (12 completed). None is failed.");

    const fourth = await create({ taskgroup_id, retry_failed: true });
    expect(fourth.summary).toContain("There is no failed run to retry. 12 of 12 runs are done");
  },
);

test("a run that was retried is refused with the newer one, and nothing is started twice", async () => {
  const { client, create, get } = await start();
  const { taskgroup_id } = await create({ inputs: ["bad 1 a", "bad 9 b", "good"] });
  const failed = await get({ taskgroup_id, view: "failures" });
  const [a, b] = failed.runs?.map(({ run_id }) => run_id) ?? [];
  await create({ taskgroup_id, retry_run_ids: [a, b] });
  const all = await get({ taskgroup_id, view: "failures" });
  const again = { taskgroup_id, retry_run_ids: [a, b] };
  const { isError, text } = await client.call("create_task_group", again);
  expect(isError).toBe(true);
  expect(text).toMatch(new RegExp(`${a} was retried as trun_\\w+ \\(completed\\); leave it out`));
  expect(text).toContain(`${b} was retried as ${all.runs?.[0]?.run_id} (failed); name that one`);
  expect(text).toContain("No run was started");
  expect(all.counts).toEqual({ completed: 2, failed: 1 });
});

test("a failed run leads to its retry, in its report and in lists", async () => {
  const { client, create, get } = await start();
  const { taskgroup_id } = await create({ inputs: ["bad 2 a"] });
  const idOf = async () => (await get({ taskgroup_id, view: "failures" })).runs?.[0]?.run_id;
  const read = (args: Record<string, unknown>) => client.call("get_task_run", args);
  const first = await idOf();
  for (const view of ["auto", "status"]) {
    const { report } = await read({ run_id: first, view });
    expect(report.taskgroup_id).toBe(taskgroup_id);
    expect(report.next_step).toContain(
      "create_task_group with this taskgroup_id and this run_id in retry_run_ids",
    );
  }
  await create({ taskgroup_id, retry_failed: true });
  const second = await idOf();
  const { runs: [latest] = [] } = await create({ taskgroup_id, retry_failed: true });
  for (const run_id of [first, second]) {
    const { report } = await read({ run_id });
    expect(report.next_step).toBe(`It was retried as ${latest?.run_id} (completed): read that.`);
  }
  const { report, text } = await client.call("list_task_runs", { taskgroup_id });
  expect(report.runs?.map(({ retried_as }) => retried_as)).toEqual([
    undefined,
    latest?.run_id,
    latest?.run_id,
  ]);
  expect(text).toContain("| retried_as |");
});

test("a call with a key that starts a part of its runs says that the others were started before", async () => {
  const { create, get } = await start();
  const { taskgroup_id } = await create({ inputs: ["bad 9 a"] });
  const call = { taskgroup_id, inputs: ["b"], retry_failed: true, idempotency_key: "k" };
  expect((await create(call)).summary).toContain("Started 2 runs.");
  const again = await create(call);
  expect(again.summary).toContain("Started 1 of 2 runs; the others were started before.");
  expect(again.batches).toBeUndefined();

  const all = await get({ taskgroup_id, status: "all" });
  expect(all.runs).toMatchObject([{ status: "failed" }, { status: "completed" }]);
  expect(all.notes).toBeUndefined();
});

test("what another server retried is not retried once more", async () => {
  const { create, get, elsewhere } = await start("hosted");
  const { taskgroup_id } = await create({ inputs: ["bad 1 a", "bad 9 b"] });
  await create({ taskgroup_id, retry_failed: true });
  const other = await elsewhere();
  const retry = { taskgroup_id, retry_failed: true, wait_seconds: 30 };
  const dry = await other.call("create_task_group", { ...retry, dry_run: true });
  expect(dry.report.request).toMatchObject({ inputs: [{ input: "bad 9 b" }] });
  const { report } = await other.call("create_task_group", retry);
  expect(report.summary).toContain("Started 1 run.");
  expect(report.notes?.join()).toContain(
    "2 failed runs have a later run with the same input in the group, so they are not retried",
  );
  const named = await get({ taskgroup_id, view: "failures" });
  expect(named.runs).toMatchObject([
    { error: "Attempt 2 failed." },
    { error: "Attempt 3 failed." },
  ]);
});

test("cancelling a group counts its inputs once, and rows are listed by every status", async () => {
  const { client, create, get } = await start();
  const { taskgroup_id } = await create({
    inputs: ["bad 1 a", "slow b", "slow c"],
    wait_seconds: 1,
  });
  await create({ taskgroup_id, retry_failed: true, wait_seconds: 0 });
  const { report } = await client.call("cancel_task_group", { taskgroup_id });
  expect(report.summary).toMatch(/3 of 3 runs are done \(.*cancelled\)/);
  const { runs, summary } = await get({ taskgroup_id, status: "cancelled" });
  expect(runs?.map(({ question }) => question)).toEqual(
    expect.arrayContaining(["slow b", "slow c"]),
  );
  expect(summary).toMatch(/\d cancelled/);
  const wrong = await client.call("get_task_group", { taskgroup_id, status: "finnished" });
  expect(wrong.text).toContain("completed");
  expect(wrong.isError).toBe(true);
  const both = await client.call("get_task_group", {
    taskgroup_id,
    status: "failed",
    view: "results",
  });
  expect(both.text).toContain("view results shows completed runs");
});

test("a page of a large group is read without the rest of it", async () => {
  const { create, get, asked } = await start();
  const inputs = Array.from({ length: 1_500 }, (_, index) => `City ${index}`);
  const { taskgroup_id } = await create({ inputs, wait_seconds: 40 });
  const seen: unknown[] = [];
  let cursor: string | undefined;
  do {
    asked.length = 0;
    const page = await get({
      taskgroup_id,
      view: "results",
      limit: 400,
      ...(cursor !== undefined && { cursor }),
    });
    expect(asked).toHaveLength(2);
    seen.push(...(page.runs ?? []).map(({ question }) => question));
    if (cursor === undefined) {
      expect(page.notes).toEqual(["limit lowered to 100."]);
      expect(page.summary).toMatch(/ Rows 1 to \d+ of 1500\.$/);
      expect(page.next_step).toMatch(/^More: .*view "results", limit 100 and cursor "/);
    }
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(inputs);
});
