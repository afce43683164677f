import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import type { RunOutput } from "../../src/task-api/output.ts";
import { type Attempt, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";

const SOURCE = "https://data.worldbank.org/country/france";
const STEP = "Reading the national accounts";
const basis = [
  {
    field: "output",
    reasoning: "It is published there.",
    confidence: "high",
    citations: [{ url: SOURCE, title: "France | Data", excerpts: ["3.05 trillion"] }],
  },
];

/** `slow …` never ends and `bad …` fails; everything else answers at once. */
async function execute({ input, signal, report }: Attempt) {
  const question = typeof input.input === "string" ? input.input : "";
  if (question.startsWith("slow")) return untilAborted(signal);
  if (question.startsWith("bad")) throw new ExecutionFailed("No source answers it.");
  await report({ type: "task_run.progress_msg.plan", message: STEP });
  const output: RunOutput =
    question === "as JSON"
      ? { type: "json", content: { answer: 42 }, basis: [] }
      : { type: "text", content: `About ${question}`, basis };
  return { output, warnings: [] };
}

async function start(kind?: (typeof clientKinds)[number]) {
  const engine = await startTestEngine(execute);
  const backend = await backendOn(engine, "custom");
  const client = await connect(async () => backend, kind && { kind });
  const run = async (input: string, wait_seconds = 30) =>
    (await client.call("create_task_run", { input, wait_seconds })).report.run_id ?? "";
  return { ...client, ...client.beside, run, backend };
}

const tokens = (text: string) => encode(text, { disallowedSpecial: new Set() }).length;

test.each(clientKinds)(
  "%s: a run's report, output, basis and steps are resources",
  async (kind) => {
    const { read, run, templates } = await start(kind);
    const id = await run("France");
    expect(await templates()).toEqual([
      "task-run://{run_id}",
      "task-run://{run_id}/output",
      "task-run://{run_id}/basis",
      "task-run://{run_id}/events",
      "task-group://{taskgroup_id}/results.csv",
      "task-group://{taskgroup_id}/results.jsonl",
    ]);
    const { contents: report } = await read(`task-run://${id}`);
    expect(report).toMatchObject([{ mimeType: "text/markdown" }, { mimeType: "application/json" }]);
    expect(report[0]?.text).toContain(`The run is completed.`);
    expect(report[0]?.text).toContain(`\nrun_id: ${id}\n`);
    // Words from the web stay behind their fence.
    expect(report[0]?.text).toMatch(/<<<data (\S+): [\s\S]*About France[\s\S]*\n\1>>>$/);
    expect(JSON.parse(report[1]?.text ?? "")).toMatchObject({
      run_id: id,
      output: "About France",
      citations: [{ url: SOURCE }],
    });
    expect((await read(`task-run://${id}/output`)).contents).toEqual([
      { uri: `task-run://${id}/output`, mimeType: "text/markdown", text: "About France" },
    ]);
    const { contents: evidence } = await read(`task-run://${id}/basis`);
    expect(JSON.parse(evidence[0]?.text ?? "")).toMatchObject(basis);
    const { contents: steps } = await read(`task-run://${id}/events`);
    expect(JSON.parse(steps[0]?.text ?? "")).toMatchObject([{ kind: "plan", message: STEP }]);
  },
);

test("an output of fields is JSON", async () => {
  const { read, run } = await start();
  const { contents } = await read(`task-run://${await run("as JSON")}/output`);
  expect(contents).toMatchObject([{ mimeType: "application/json", text: '{"answer":42}' }]);
});

test("a long output is whole in its resource, and a report that cuts it names the resource", async () => {
  const content = `# Long\n\n${"A line of evidence that goes on.\n".repeat(20_000)}`;
  const engine = await startTestEngine(async () => textResult(content));
  const backend = await backendOn(engine);
  const { call, beside } = await connect(async () => backend);
  const { report, text } = await call("create_task_run", { input: "all", wait_seconds: 30 });
  expect(report.cut?.total).toBe(content.length);
  expect(report.resource).toBe(`task-run://${report.run_id}/output`);
  expect(text).toContain(`resource: ${report.resource}`);
  expect((await beside.read(report.resource ?? "")).contents[0]?.text).toBe(content);
  // The report as a resource is what the tool gives: bounded.
  const { contents } = await beside.read(`task-run://${report.run_id}`);
  expect(tokens(contents.map((one) => one.text).join("\n"))).toBeLessThan(10_000);
});

test("reading starts and awaits nothing: an active run is reported as it is, and has no output yet", async () => {
  const { read, run, call } = await start();
  const id = await run("slow", 0);
  const { contents } = await read(`task-run://${id}`);
  expect(JSON.parse(contents[1]?.text ?? "")).toMatchObject({ run_id: id, is_active: true });
  await expect(read(`task-run://${id}/output`)).rejects.toThrow(/has no output yet/);
  await expect(read(`task-run://${id}/basis`)).rejects.toThrow(/has no output yet/);
  expect((await call("list_task_runs", {})).report.runs).toHaveLength(1);
});

test("a failed run's report says why, and its output is not found", async () => {
  const { read, run } = await start();
  const id = await run("bad");
  const { contents } = await read(`task-run://${id}`);
  expect(contents[0]?.text).toContain("No source answers it.");
  await expect(read(`task-run://${id}/output`)).rejects.toThrow(/its status is failed/);
});

test.each(clientKinds)("%s: what there is not is refused with -32602 and the URI", async (kind) => {
  const { read } = await start(kind);
  for (const uri of [
    "task-run://trun_none",
    "task-run://trun_none/pages",
    "https://example.com/",
  ]) {
    await expect(read(uri)).rejects.toMatchObject({ code: -32_602, data: { uri } });
  }
  await expect(read("task-run://trun_none")).rejects.toThrow(/knows no such run/);
});

test("a run that the backend has lost is read from what was kept here", async () => {
  const { read, run, backend } = await start();
  const id = await run("France");
  const lost = await connect(async () => ({
    ...backend,
    client: (await backendOn(await startTestEngine(execute))).client,
  }));
  const { contents } = await lost.beside.read(`task-run://${id}`);
  expect(contents[0]?.text).toContain("The backend no longer has this run");
  expect((await lost.beside.read(`task-run://${id}/output`)).contents).toEqual(
    (await read(`task-run://${id}/output`)).contents,
  );
});

test("what has ended may be kept for an hour by its reader alone, what goes on not at all", async () => {
  const { read, run } = await start("v2 client, 2026-07-28");
  const ended = await read(`task-run://${await run("France")}`);
  expect(ended).toMatchObject({ ttlMs: 3_600_000, cacheScope: "private" });
  const active = await read(`task-run://${await run("slow", 0)}`);
  expect(active).toMatchObject({ ttlMs: 0, cacheScope: "private" });
});

test.each(clientKinds)("%s: the list has the processors and the last runs", async (kind) => {
  const { resources, read, run } = await start(kind);
  const ids = [await run("first"), await run("second")];
  expect(await resources()).toMatchObject([
    { uri: "task-run://processors" },
    { uri: `task-run://${ids[1]}`, name: ids[1], title: "second" },
    { uri: `task-run://${ids[0]}`, name: ids[0], title: "first" },
  ]);
  const { contents } = await read("task-run://processors");
  expect(contents[0]?.text).toContain("| pro | $0.1 | 2 min to 10 min | about 20 |");
});

test.each([
  ["embedded", "| pro | $0 | up to 3,200 |", /\$0\.|best for|hosted/],
  ["scripted", "| pro | $0 |", /document|\$0\.|best for/],
] as const)(
  "with the backend %s the processors are its own",
  async (catalogBackend, row, wrong) => {
    const engine = await startTestEngine(async () => textResult(""));
    const backend = await backendOn(engine);
    const client = await connect(async () => backend, { catalogBackend });
    const { contents } = await client.beside.read("task-run://processors");
    expect(contents[0]?.text).toContain(row);
    expect(contents[0]?.text).not.toMatch(wrong);
  },
);

test("the list is bounded; older runs are found by completion", async () => {
  const { resources, complete, run } = await start();
  const oldest = await run("the very first question");
  for (let count = 0; count < 55; count += 1) await run(`question ${count}`, 0);
  expect(await resources()).toHaveLength(51);
  const ref = { type: "ref/resource", uri: "task-run://{run_id}/basis" } as const;
  expect(await complete(ref, "run_id", "VERY FIRST")).toEqual([oldest]);
});

test("group ids complete by their beginning and by a question in them", async () => {
  const { complete, call } = await start();
  const create = async (input: string) =>
    (await call("create_task_group", { inputs: [input] })).report.taskgroup_id ?? "";
  const [zebra, lion] = [await create("zebra"), await create("lion")];
  const ref = { type: "ref/resource", uri: "task-group://{taskgroup_id}/results.csv" } as const;
  expect(await complete(ref, "taskgroup_id", "")).toEqual([lion, zebra]);
  expect(await complete(ref, "taskgroup_id", zebra.slice(0, 20))).toEqual([zebra]);
  expect(await complete(ref, "taskgroup_id", "lion")).toEqual([lion]);
  expect(await complete(ref, "run_id", "")).toEqual([]);
});

test.each(clientKinds)(
  "%s: run ids complete by their beginning and by the question",
  async (kind) => {
    const { complete, run } = await start(kind);
    const [zebra, lion] = [await run("zebra"), await run("lion and zebra")];
    const ref = { type: "ref/resource", uri: "task-run://{run_id}" } as const;
    expect(await complete(ref, "run_id", "")).toEqual([lion, zebra]);
    expect(await complete(ref, "run_id", zebra.slice(0, 20))).toEqual([zebra]);
    expect(await complete(ref, "run_id", "lion")).toEqual([lion]);
    expect(await complete(ref, "run_id", "trun_none")).toEqual([]);
    await expect(
      complete({ type: "ref/resource", uri: "other://{id}" }, "id", ""),
    ).rejects.toMatchObject({ code: -32_602 });
  },
);

test("a backend that cannot be opened is an error that says what to do", async () => {
  const opening = deferred<never>();
  const { beside } = await connect(() => opening.promise);
  opening.reject(new Error("secret cause"));
  await expect(beside.resources()).rejects.toThrow(/configuration needs attention/);
  await expect(beside.read("task-run://trun_1")).rejects.not.toThrow(/secret cause/);
});
