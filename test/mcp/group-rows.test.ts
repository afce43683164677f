import { parse } from "papaparse";
import { expect, test } from "vitest";
import { ActionRequired } from "../../src/engine/executors/executor.ts";
import type { JsonObject } from "../../src/task-api/task-spec.ts";
import { startTestEngine, textResult, untilAborted } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

// What a row of a group shows, in the table and in an export.

const citations = ["a", "b", "c", "d"].map((name) => ({ url: `https://${name}.example/page` }));

/** Answers with what the test says of each question; `ask …` asks back, `slow …` goes on. */
async function start(answer: (question: string) => JsonObject | string) {
  const engine = await startTestEngine(async ({ input, signal }) => {
    const question = questionOf(input);
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("ask")) {
      throw new ActionRequired(`Which of ${question}?`, { deadlineSeconds: 60 });
    }
    const content = answer(question);
    if (typeof content === "string") return textResult(content);
    const basis = [{ field: "name", reasoning: "It says so.", citations }];
    return { output: { type: "json", content, basis }, warnings: [] };
  });
  const backend = await backendOn(engine, "hosted");
  const client = await connect(async () => backend);
  const create = (args: Record<string, unknown>) => client.call("create_task_group", args);
  const get = (args: Record<string, unknown>) => client.call("get_task_group", args);
  return { client, create, get };
}

const tableOf = (text: string) => text.split("\n").filter((line) => line.startsWith("|"));

test("outputs have a column for each field; JSON in a cell stays JSON", async () => {
  const { create } = await start((question) => ({
    name: `a|b\nof ${question}`,
    status: question.length,
    ...(question === "second" && { inside: { text: "x | y\nz" } }),
  }));
  const { report, text } = await create({ inputs: ["first", "second"], wait_seconds: 30 });
  const [head, , first = "", second = ""] = tableOf(text);
  expect(head).toBe("| run_id | question | name | output.status | inside |");
  expect(first).toMatch(/^\| trun_\w+ \| first \| a\\\|b of first \| 5 \|  \|$/);
  const json = second.split(" | ").at(-1)?.replace(/ \|$/, "") ?? "";
  expect(JSON.parse(json)).toEqual({ text: "x | y\nz" });
  expect(report.runs?.[1]?.output).toEqual({
    name: "a|b\nof second",
    status: 6,
    inside: { text: "x | y\nz" },
  });
  // All are completed, as the summary says, and cost nothing here.
  expect(report.summary).toBe("Started 2 runs. 2 of 2 runs are done (2 completed).");
  expect(report.runs?.[0]).not.toHaveProperty("status");
  expect(text.match(/tgrp_/g)).toHaveLength(1);
});

test("a cut output is still an object, and keeps its first sources", async () => {
  const { create } = await start(() => ({
    name: "word ".repeat(400),
    list: Array.from({ length: 500 }, (_, index) => `item ${index}`),
    last: 7,
  }));
  const { report } = await create({ inputs: ["x"], wait_seconds: 30 });
  expect(report.runs).toMatchObject([
    {
      output: { name: expect.stringMatching(/^word .*…$/), last: 7 },
      sources: ["https://a.example/page", "https://b.example/page", "https://c.example/page"],
    },
  ]);
  expect(JSON.stringify(report.runs?.[0]?.output).length).toBeLessThan(1_400);
});

test("a run that asks back has a row with its question, and counts as waiting", async () => {
  const { client, create, get } = await start((question) => question);
  const { report } = await create({ inputs: ["one", "ask two", "three"], wait_seconds: 30 });
  expect(report.summary).toBe(
    "Started 3 runs. 2 of 3 runs are done (2 completed), 1 action_required.",
  );
  expect(report.runs).toMatchObject([
    { question: "one", status: "completed", output: "one" },
    { question: "ask two", status: "action_required", question_asked: "Which of ask two?" },
    { question: "three", status: "completed" },
  ]);
  expect(report.next_step).toContain("wait for an answer");
  const { taskgroup_id } = report;
  const waiting = await get({ taskgroup_id, status: "action_required" });
  expect(waiting.texts[1]).toContain("Which of ask two?");
  expect(waiting.report.summary).toContain("Row 1 of 1 (action_required).");
  const cancelled = await client.call("cancel_task_group", { taskgroup_id });
  expect(cancelled.report).toMatchObject({
    outcome: "cancelled",
    counts: { completed: 2, cancelled: 1 },
  });
});

test("only auto waits unasked: every other view of an active group answers at once", async () => {
  const { create, get } = await start((question) => question);
  const { report } = await create({ inputs: ["one", "slow two"], wait_seconds: 1 });
  expect(report.summary).toContain("1 running after 1 s of waiting.");
  const { taskgroup_id } = report;
  for (const args of [
    { view: "status" },
    { view: "results" },
    { view: "basis" },
    { view: "failures" },
    { view: "export" },
    { status: "running" },
  ]) {
    const { report: seen } = await get({ taskgroup_id, ...args });
    expect(seen.is_active).toBe(true);
    expect(seen.summary).not.toContain("of waiting");
  }
});

test("an export has whole values, alone in its fence, and no cell that a spreadsheet runs", async () => {
  const long = `${"long ".repeat(600)}end`;
  const { create, get } = await start((question) => ({
    name: question === '{"city":"Lyon"}' ? '=HYPERLINK("x")' : `+33 "quoted", ${long}`,
    change: "-5.2 %",
    list: ["a", "b"],
  }));
  const { report: created } = await create({
    inputs: [{ city: "Lyon" }, { city: "Nice", name: "N" }],
    output_fields: [{ name: "name" }, { name: "change" }, { name: "missing" }],
    wait_seconds: 30,
  });
  const { taskgroup_id } = created;
  const { report, texts } = await get({ taskgroup_id, view: "export" });
  const csv = report.export ?? "";
  expect(texts[1]?.split("\n").slice(1, -1).join("\n")).toBe(csv);
  const { data } = parse<string[]>(csv);
  const [head, ...rows] = data;
  expect(head?.slice(0, 3)).toEqual(["run_id", "city", "name"]);
  expect(head).toEqual(expect.arrayContaining(["output.name", "change", "missing"]));
  const cell = (row: number, name: string) => rows[row]?.[head?.indexOf(name) ?? -1];
  expect(cell(0, "output.name")).toBe('\'=HYPERLINK("x")');
  expect(cell(1, "output.name")).toBe(`'+33 "quoted", ${long}`);
  expect(cell(1, "change")).toBe("-5.2 %");
  expect(cell(1, "list")).toBe('["a","b"]');

  const lines = await get({ taskgroup_id, view: "export", format: "jsonl" });
  expect(lines.report.export?.split("\n").map((line) => JSON.parse(line))).toMatchObject([
    { input: { city: "Lyon" }, output: { name: '=HYPERLINK("x")' } },
    { input: { city: "Nice" }, output: { change: "-5.2 %" } },
  ]);
});

test("an export comes in pages or as one resource, the same rows in both", async () => {
  const { client, create, get } = await start((question) => `${question} ${"text ".repeat(100)}`);
  const inputs = Array.from({ length: 60 }, (_, index) => `City ${index}`);
  const { report: created } = await create({ inputs, wait_seconds: 40 });
  const { taskgroup_id } = created;
  const pages: string[] = [];
  let cursor: string | undefined;
  let resource: string | undefined;
  do {
    const { report, text } = await get({
      taskgroup_id,
      view: "export",
      ...(cursor !== undefined && { cursor }),
    });
    expect(text.length + JSON.stringify(report).length).toBeLessThan(35_000);
    const { data } = parse<string[]>(report.export ?? "");
    expect(data[0]).toEqual(["run_id", "question", "output"]);
    pages.push(...data.slice(1).map((row) => JSON.stringify(row)));
    cursor = report.next_cursor;
    resource ??= report.resource;
  } while (cursor !== undefined);
  expect(pages).toHaveLength(60);
  const { contents } = await client.beside.read(resource ?? "");
  expect(contents).toHaveLength(1);
  const whole = parse<string[]>(String(contents[0]?.text));
  expect(whole.data.slice(1).map((row) => JSON.stringify(row))).toEqual(pages);
  await expect(client.beside.read("task-group://tgrp_none/results.csv")).rejects.toThrow(
    /no such group/,
  );
});

test("a result too long for a page is named, not cut", async () => {
  const { client, create, get } = await start((question) => `${question} ${"text ".repeat(5_000)}`);
  const { report: created } = await create({ inputs: ["a", "b"], wait_seconds: 30 });
  const { taskgroup_id } = created;
  const { report } = await get({ taskgroup_id, view: "export", format: "jsonl" });
  const ids = created.runs?.map(({ run_id }) => run_id) ?? [];
  expect(report.export).toBe(ids.map((run_id) => JSON.stringify({ run_id })).join("\n"));
  expect(report.notes?.[0]).toContain(`so their values are left out: ${ids.join(", ")}.`);
  const { contents } = await client.beside.read(`task-group://${taskgroup_id}/results.jsonl`);
  expect(contents[0]?.text).toContain("text ".repeat(5_000));
});
