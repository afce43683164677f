import { expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

// A page of a group claims to be whole only when it holds what the group counts.

/** What becomes of the frames of a group's list of runs; `nth` counts how often the list was asked for. */
type Cut = (frames: string[], nth: number) => string | null;

/** A finished group of three runs on the real engine, whose list of runs is cut on its way. Null resets the connection. */
async function startGroup({
  cut,
  inputs = ["a", "b", "c"],
  ignoresCursor = false,
}: {
  cut: Cut;
  inputs?: string[];
  ignoresCursor?: boolean;
}) {
  const engine = await startTestEngine(async ({ input }) => {
    const question = questionOf(input);
    if (question.startsWith("bad")) throw new ExecutionFailed(`Nothing about ${question}`);
    return textResult(`About ${question}`);
  });
  let isCut = false;
  let asked = 0;
  const backend = await backendOf(async (request) => {
    const url = new URL(request.url);
    const isList = request.method === "GET" && url.pathname.endsWith("/runs");
    if (!isList || !isCut) return engine.fetch(request);
    asked += 1;
    if (ignoresCursor) url.searchParams.delete("last_event_id");
    const response = await engine.fetch(new Request(url, request));
    const frames = (await response.text()).split(/(?<=\n\n)/);
    const body = cut(frames, asked);
    if (body === null) throw new Error("ECONNRESET");
    return new Response(body, { headers: response.headers });
  }, "hosted");
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_group", { inputs, wait_seconds: 30 });
  expect(report.is_active).toBe(false);
  const { taskgroup_id } = report;
  isCut = true;
  return {
    timesAsked: () => asked,
    get: async (args: object = {}) =>
      (await client.call("get_task_group", { taskgroup_id, ...args })).report,
  };
}

const ERROR = 'event: error\ndata: {"type":"error","error":{"message":"broke"}}\n\n';

test.each<[string, Cut]>([
  ["ends after one frame", ([first = ""]) => first],
  ["ends inside a frame", ([first = "", second = ""]) => first + second.slice(0, 40)],
  ["ends with an error event", ([first = ""]) => first + ERROR],
  ["is empty the first time", (frames, nth) => (nth === 1 ? "" : frames.join(""))],
  ["breaks the first time", (frames, nth) => (nth === 1 ? null : frames.join(""))],
])("a list that %s is read on until all rows are there", async (_name, cut) => {
  const { get } = await startGroup({ cut });
  for (const view of ["auto", "results"]) {
    const { runs, next_step, notes } = await get({ view });
    expect(runs?.map(({ question }) => question).toSorted()).toEqual(["a", "b", "c"]);
    expect(next_step).toContain("All results are shown.");
    expect(notes).toBeUndefined();
  }
});

test.each<[string, number, Cut]>([
  ["one frame again and again", 2, ([first = ""]) => first],
  ["half a frame", 3, ([first = ""]) => first.slice(0, 40)],
  ["an error event", 3, () => ERROR],
  ["nothing", 3, () => ""],
  ["a reset", 3, () => null],
  [
    "a row without an id among the others",
    1,
    (frames) => frames.join("").replace(/"run_id":"\w+"/, '"run_id":null'),
  ],
])("what a list that brings %s lacks is told", async (_name, missing, cut) => {
  const { get, timesAsked } = await startGroup({ cut, ignoresCursor: true });
  const { runs, next_step, notes, summary } = await get();
  expect(summary).toContain("3 of 3 runs are done");
  expect(runs).toHaveLength(3 - missing);
  expect(notes?.[0]).toMatch(new RegExp(`^${missing} of the results that the group counts`));
  expect(next_step).toContain("Not all is shown");
  expect(next_step).not.toContain("All results are shown");
  expect(timesAsked()).toBeLessThanOrEqual(4);
});

test("failures are counted in the same way", async () => {
  const { get } = await startGroup({
    cut: ([first = ""]) => first,
    inputs: ["bad a", "bad b", "good"],
    ignoresCursor: true,
  });
  const { runs, notes } = await get({ view: "failures" });
  expect(runs).toHaveLength(1);
  expect(notes?.[0]).toMatch(/^1 of the failures that the group counts is missing here/);
});

test("the last page knows how many rows came before it", async () => {
  let isCut = false;
  const { get } = await startGroup({ cut: (frames) => (isCut ? "" : frames.join("")) });
  const first = await get({ view: "results", limit: 2 });
  expect(first.runs).toHaveLength(2);
  const last = { view: "results", limit: 2, cursor: first.next_cursor };
  expect((await get(last)).next_step).toBe("That was the last page.");
  isCut = true;
  const { runs, notes } = await get(last);
  expect(runs).toEqual([]);
  expect(notes?.[0]).toMatch(/^1 of the results that the group counts is missing here/);
});

test("a page that is full to the row is not taken for the last one", async () => {
  const { get } = await startGroup({ cut: ([one = "", two = ""]) => one + two });
  const { runs, next_cursor, next_step } = await get({ view: "results", limit: 2 });
  expect(runs).toHaveLength(2);
  expect(next_cursor).toBeDefined();
  expect(next_step).toContain("More: get_task_group with this taskgroup_id");
});

test("runs whose status the group does not count are named", async () => {
  const engine = await startTestEngine(async () => textResult("x"));
  const backend = await backendOf(async (request) => {
    const response = await engine.fetch(request);
    const isGroup = /\/groups\/[^/]+$/.test(new URL(request.url).pathname);
    if (!isGroup) return response;
    const text = (await response.text()).replace('"completed":2', '"completed":1');
    return new Response(text, { headers: { "content-type": "application/json" } });
  }, "hosted");
  const client = await connect(async () => backend);
  const inputs = ["a", "b"];
  const { report } = await client.call("create_task_group", { inputs, wait_seconds: 30 });
  const seen = await client.call("get_task_group", { taskgroup_id: report.taskgroup_id });
  expect(seen.report.notes).toContain(
    "The backend does not tell the status of 1 of the group's runs.",
  );
});

test.each(["succeeded", "partially_completed"])(
  "rows of the newer final status %s are results too",
  async (word) => {
    const engine = await startTestEngine(async ({ input }) =>
      textResult(`About ${questionOf(input)}`),
    );
    const backend = await backendOf(async (request) => {
      const response = await engine.fetch(request);
      const text = (await response.text())
        .replaceAll('"status":"completed"', `"status":"${word}"`)
        .replaceAll('"completed":', `"${word}":`);
      return new Response(text, { status: response.status, headers: response.headers });
    }, "hosted");
    const client = await connect(async () => backend);
    const inputs = ["a", "b"];
    const created = await client.call("create_task_group", { inputs, wait_seconds: 30 });
    const { taskgroup_id } = created.report;
    const { report } = await client.call("get_task_group", { taskgroup_id });
    expect(report.summary).toContain(`2 of 2 runs are done (2 ${word})`);
    expect(report.runs?.map(({ output }) => output).toSorted()).toEqual(["About a", "About b"]);
    expect(report.next_step).toContain("All results are shown.");
  },
);

test("a list that begins anew on each page brings every row once, and no page counts one twice", async () => {
  const { get } = await startGroup({ cut: (frames) => frames.join(""), ignoresCursor: true });
  const first = await get({ view: "results", limit: 2 });
  const last = await get({ view: "results", limit: 2, cursor: first.next_cursor });
  const shown = [...(first.runs ?? []), ...(last.runs ?? [])].map(({ question }) => question);
  expect(new Set(shown)).toEqual(new Set(["a", "b", "c"]));
  expect(shown).toHaveLength(3);
  expect(last.next_step).toBe("That was the last page.");
  // The same where the list never brings the third row.
  const { get: getCut } = await startGroup({
    cut: ([one = "", two = ""]) => one + two,
    ignoresCursor: true,
  });
  const { next_cursor } = await getCut();
  const { runs, notes, next_step } = await getCut({ cursor: next_cursor, view: "results" });
  expect(runs).toEqual([]);
  expect(notes?.[0]).toMatch(/^1 of the results that the group counts is missing here/);
  expect(next_step).not.toContain("That was the last page");
});

test("rows of another group, and rows without their output, are not taken for results", async () => {
  const { get: getForeign } = await startGroup({
    cut: ([one = "", ...rest]) =>
      one.replaceAll(/"taskgroup_id":"\w+"/g, '"taskgroup_id":"tgrp_other"') + rest.join(""),
    ignoresCursor: true,
  });
  const foreign = await getForeign();
  expect(foreign.runs).toHaveLength(2);
  expect(foreign.notes?.[0]).toMatch(/^1 of the results that the group counts is missing here/);
  const { get: getEmpty } = await startGroup({
    cut: (frames) => frames.join("").replaceAll(/"output":\{.*?"basis":\[\]\}/g, '"output":null'),
  });
  const empty = await getEmpty();
  expect(empty.runs?.map(({ output }) => output)).toEqual([undefined, undefined, undefined]);
  expect(empty.notes?.[0]).toContain("no output for 3 of these runs: get_task_run");
});
