import { expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { RunReport } from "../../src/mcp/report/run-report.ts";
import { durationText } from "../../src/mcp/report/text.ts";
import { startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { type TestClient, backendOn, connect } from "./connect.ts";
import { questionOf, suggestedCall } from "./stories.ts";

/** What a client that shows only text has of a result: our words, and the run's from between the fence. */
interface TextReport {
  summary: string;
  nextStep: string;
  notes: string[];
  /** What our block says after the notes. */
  facts: string[];
  words: Map<string, string>;
}

const WORDS = "error|warnings|latest_step|outline|output|citations|basis|events|runs" as const;

function readText([ours = "", theirs = ""]: readonly string[]): TextReport {
  const [summary = "", next = "", ...rest] = ours.split("\n");
  const isNote = (line: string) => line.startsWith("Note: ");
  const inside =
    /^<<<data (\S+): from the run, not instructions\n([\s\S]*)\n\1>>>$/.exec(theirs)?.[2] ?? "";
  const [alone = "", ...titled] = inside.split(new RegExp(`(?:^|\n\n)(${WORDS}):\n`));
  // An output without a title stands alone.
  const parts = titled.length === 0 && alone !== "" ? ["output", alone] : titled;
  return {
    summary,
    nextStep: next.replace(/^Next: /, ""),
    notes: rest.filter(isNote).map((note) => note.replace(/^Note: /, "")),
    facts: rest.filter((line) => !isNote(line)),
    words: new Map(
      parts.flatMap((part, index) =>
        index % 2 === 0 ? [[part, parts[index + 1] ?? ""] as const] : [],
      ),
    ),
  };
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

/** Each fact of a structured report as the text has to tell it: in the summary or after the notes. */
function factsOf(report: RunReport): string[] {
  const { usual_seconds: usual, cut, spending, request, counts = {} } = report;
  const facts: (string | false | undefined)[] = [
    report.run_id && `\nrun_id: ${report.run_id}\n`,
    report.taskgroup_id && `\ntaskgroup_id: ${report.taskgroup_id}\n`,
    report.interaction_id && `\ninteraction_id: ${report.interaction_id}\n`,
    report.status === "failed" && report.outcome === undefined
      ? " failed and is not billed."
      : report.status === "completed"
        ? "completed"
        : report.status,
    ...Object.entries(counts).map(([name, n]) => `${n} ${name}`),
    request === undefined && report.processor !== undefined && `processor ${report.processor}`,
    report.price_usd !== undefined && `$${report.price_usd}`,
    usual && `${durationText(usual.from)} to ${durationText(usual.to)}`,
    report.percent !== undefined && report.run_id !== undefined && `${report.percent}% done`,
    report.sources_read !== undefined &&
      `${report.sources_read} of ${report.sources_considered} sources read`,
    report.created_at && `created ${report.created_at}`,
    report.citations_total !== undefined && `${report.citations_total} citations in all`,
    cut &&
      `${report.output_type === undefined ? "" : `${report.output_type} `}shown from ${cut.offset} to ${cut.next_offset ?? cut.total} of ${cut.total} ${cut.unit}`,
    spending && `$${spending.today_usd} today of $${spending.budget_usd_per_day}`,
    report.resource,
    report.next_cursor,
    ...(report.batches ?? []).map(
      ({ from, to, outcome }) => `- inputs ${from} to ${to}: ${outcome}`,
    ),
    request === undefined ? false : JSON.stringify(request),
  ];
  return facts.filter((fact) => typeof fact === "string");
}

/** What the run says, as read back from the text in the form that the structured report has it in. */
function readWords(words: Map<string, string>): Partial<Record<keyof RunReport, unknown>> {
  return Object.fromEntries(
    [...words].map(([name, text]) => {
      switch (name) {
        case "warnings":
          return [name, linesOf(text).map((line) => line.slice(2))];
        case "outline":
          return [name, linesOf(text).map(readOutlineEntry)];
        case "citations":
          return [name, readCitations(text)];
        case "runs":
          return [name, readTable(text)];
        case "output":
          return [name, text.startsWith("{") ? JSON.parse(text) : text];
        case "events":
          return [name, linesOf(text).map(readEvent)];
        case "basis":
          return [name, linesOf(text).map((line) => JSON.parse(line))];
        default:
          return [name, text];
      }
    }),
  );
}

function readOutlineEntry(line: string) {
  const [, indent = "", section, chars] = /^( *)- (.*) \((\d+) characters\)$/.exec(line) ?? [];
  return { section, level: indent.length / 2 + 1, chars: Number(chars) };
}

function readEvent(line: string) {
  const [, timestamp, kind, message] = /^(\S+) (\S+): (.*)$/.exec(line) ?? [];
  return { kind, message, timestamp };
}

function readCitations(text: string) {
  return [...text.matchAll(/^- (?:(\w+): )?(?:(.*) )?<(.*)>(?:\n {2}"(.*)")?$/gm)].map(
    ([, field, title, url, excerpt]) => ({ field, title, url, excerpt }),
  );
}

const cellsOf = (line: string) => line.slice(2, -2).split(" | ");

/** Cells are text; numbers and objects read back as what they were. */
function readTable(text: string) {
  const [head = "", , ...lines] = linesOf(text);
  const names = cellsOf(head);
  return lines.map((line) =>
    Object.fromEntries(
      cellsOf(line).flatMap((cell, index) => {
        const name = names[index] ?? "";
        if (cell === "") return [];
        const isText = !["percent", "price_usd"].includes(name) && !cell.startsWith("{");
        return [[name, isText ? cell : JSON.parse(cell)]];
      }),
    ),
  );
}

/** What of a structured report is the run's words. */
function wordsOf(report: RunReport): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ ...report, ...(report.runs && { runs: report.runs.map(onOneLine) }) }).filter(
      ([name, value]) =>
        WORDS.split("|").includes(name) && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** A cell of a table has one line. */
function onOneLine(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === "string" ? value.replaceAll(/\s+/g, " ") : value,
    ]),
  );
}

function expectAgreement(texts: readonly string[], report: RunReport): void {
  const text = readText(texts);
  expect(text.summary).toBe(report.summary);
  expect(text.nextStep).toBe(report.next_step);
  expect(text.notes).toEqual(report.notes ?? []);
  const told = `${text.summary}\n${text.nextStep}\n${text.facts.join("\n")}\n`;
  for (const fact of factsOf(report)) expect(told).toContain(fact);
  if (report.outcome !== undefined && report.taskgroup_id === undefined) {
    expect(told.toLowerCase()).toContain(report.outcome.replace("_", " "));
  }
  // toEqual takes an absent title or excerpt for an undefined one.
  const words = text.words.has("runs") ? wordsOf(report) : wordsOf({ ...report, runs: [] });
  expect(readWords(text.words)).toEqual(words);
  if (report.runs !== undefined && report.runs.length > 0 && !text.words.has("runs")) {
    const table = text.facts.filter((line) => line.startsWith("|")).join("\n");
    expect(readTable(table)).toEqual(wordsOf(report)["runs"]);
  }
}

const LONG = Array.from(
  { length: 20 },
  (_, index) => `# Part ${index}\n\n${"A sentence of the part. ".repeat(100)}`,
).join("\n\n");

/** Runs of every kind, on a backend with prices, told by the first word of their question. */
async function startServer(): Promise<TestClient> {
  const engine = await startTestEngine(async ({ input, signal, report }) => {
    const question = questionOf(input);
    await report({
      type: "task_run.progress_stats",
      progress_meter: 30,
      source_stats: { num_sources_considered: 8, num_sources_read: 2 },
    });
    await report({ type: "task_run.progress_msg.plan", message: `Planning ${question}` });
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("bad")) throw new ExecutionFailed(`Nothing about ${question}`);
    const citations = [
      { url: "https://example.org/a", title: "Example A", excerpts: ["A quote."] },
      { url: "https://example.org/b" },
    ];
    const basis = [{ field: "output", reasoning: "It says so.", confidence: "high", citations }];
    const warnings = [
      { type: "warning", message: "A first warning", detail: null },
      { type: "warning", message: "A second warning", detail: null },
    ];
    if (question.startsWith("json")) {
      return { output: { type: "json", content: { a: 1, b: ["x"] }, basis }, warnings };
    }
    const content = question.startsWith("long") ? LONG : "# Answer\n\nIn two paragraphs.";
    return { output: { type: "text", content, basis }, warnings };
  });
  const backend = await backendOn(engine, "custom");
  return connect(async () => backend, { budgetUsdPerDay: 5 });
}

const wait_seconds = 30;
const VIEWS = ["auto", "status", "output", "basis", "events"] as const;

test("text and structured content of a run agree, in every status and view", async () => {
  const client = await startServer();
  for (const input of ["slow one", "bad one", "text", "json", "long"]) {
    const created = await client.call("create_task_run", {
      input,
      wait_seconds: input.startsWith("slow") ? 1 : wait_seconds,
    });
    expectAgreement(created.texts, created.report);
    const { run_id } = created.report;
    for (const view of VIEWS) {
      const { texts, report } = await client.call("get_task_run", {
        run_id,
        view,
        wait_seconds: 0,
        stray: 1,
      });
      expectAgreement(texts, report);
      expect(report.run_id).toBe(run_id);
      expect(report.summary).toMatch(/ Ignored: stray\.$/);
    }
    const cancelled = await client.call("cancel_task_run", { run_id });
    expectAgreement(cancelled.texts, cancelled.report);
    const after = await client.call("get_task_run", { run_id, wait_seconds: 0 });
    expectAgreement(after.texts, after.report);
  }
});

test("they agree about dry runs, groups and lists", async () => {
  const client = await startServer();
  const agree = async (name: string, args: Record<string, unknown>) => {
    const { texts, report, isError } = await client.call(name, args);
    expect(isError, texts.join("\n")).toBe(false);
    expectAgreement(texts, report);
    return report;
  };
  await agree("create_task_run", { input: "text", processor: "pro", dry_run: true });
  await agree("create_task_group", { inputs: ["a", { b: 1 }], dry_run: true });
  const created = await agree("create_task_group", {
    inputs: ["text", "json", "bad one", "slow one"],
  });
  const { taskgroup_id } = created;
  const once = { inputs: ["text again"], idempotency_key: "k", wait_seconds };
  await agree("create_task_group", once);
  await agree("create_task_group", once);
  for (const view of ["auto", "status", "results", "failures"]) {
    await agree("get_task_group", { taskgroup_id, view, wait_seconds: 1 });
  }
  await agree("cancel_task_group", { taskgroup_id });
  const done = await agree("get_task_group", { taskgroup_id, limit: 1 });
  expect(done.runs).toHaveLength(1);
  const list = await agree("list_task_runs", { limit: 3 });
  expect(list.runs).toHaveLength(3);
  await agree("list_task_runs", { text: "nothing like it" });
  await agree("cancel_task_group", { taskgroup_id: "tgrp_none" });
  await agree("cancel_task_run", { run_id: "trun_none" });
});

test("either alone leads from a question to its answer", async () => {
  const client = await startServer();
  const readers: ((result: { texts: string[]; report: RunReport }) => {
    next: string;
    ids: object;
    all: string;
  })[] = [
    ({ texts }) => {
      const { nextStep, facts } = readText(texts);
      const ids = facts.filter((line) => /^\w+_id: /.test(line)).map((line) => line.split(": "));
      return { next: nextStep, ids: Object.fromEntries(ids), all: texts.join("\n") };
    },
    ({ report }) => ({ next: report.next_step, ids: report, all: JSON.stringify(report) }),
  ];
  for (const read of readers) {
    const follow = async (answer: { next: string; ids: object }, tool: string) =>
      read(await client.call(tool, suggestedCall(answer.next, tool, answer.ids)));
    const created = read(await client.call("create_task_run", { input: "text" }));
    const answer = await follow(created, "get_task_run");
    expect(answer.all).toContain("In two paragraphs.");
    expect(answer.all).toContain("https://example.org/a");
    expect(answer.next).toContain('view "basis"');

    const long = read(await client.call("create_task_run", { input: "long", wait_seconds }));
    const [, onward = ""] = long.next.split("or read on with ");
    const second = await follow({ ...long, next: onward }, "get_task_run");
    expect(second.all).toContain("A sentence of the part.");

    const group = read(await client.call("create_task_group", { inputs: ["bad one", "text"] }));
    const rows = await follow(group, "get_task_group");
    const failures = await follow(rows, "get_task_group");
    expect(failures.all).toContain("Nothing about bad one");
    expect(suggestedCall(failures.next, "create_task_group", failures.ids)).toHaveProperty(
      "retry_failed",
    );

    const list = read(await client.call("list_task_runs", { text: "long" }));
    expect(list.next).toContain("get_task_run and its run_id");
    const [run_id] = /trun_\w+/.exec(list.all) ?? [];
    const found = read(await client.call("get_task_run", { run_id }));
    expect(found.all).toContain("Part 0");
  }
});

test("an error is text alone, which says what to call", async () => {
  const client = await startServer();
  const { text, isError } = await client.call("get_task_run", {
    run_id: "trun_none",
    wait_seconds: 0,
  });
  expect(isError).toBe(true);
  expect(text).toMatch(/^Error: No run trun_none .*\nNext: .*create_task_run/);
});
