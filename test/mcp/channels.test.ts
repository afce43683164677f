import { expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { RunReport } from "../../src/mcp/run-report.ts";
import { startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { type TestClient, backendOn, connect } from "./connect.ts";
import { questionOf, suggestedCall } from "./stories.ts";

/** What a client that shows only text has of a result: our words, and the run's from between the fence. */
interface TextReport {
  summary: string;
  nextStep: string;
  notes: string[];
  facts: Map<string, string>;
  batches: string[];
  words: Map<string, string>;
}

const WORDS =
  "error|warnings|latest_step|outline|output|citations|basis|events|runs|request" as const;

function readText([ours = "", theirs = ""]: readonly string[]): TextReport {
  const [head = "", body = ""] = ours.split("\n\n");
  const [summary = "", next = "", ...notes] = head.split("\n");
  const [facts = "", batches = ""] = body.split("batches:\n");
  const inside = /^<<<data (\S+)\n([\s\S]*)\n\1 end of data>>>$/m.exec(theirs)?.[2] ?? "";
  const [, ...parts] = inside.split(new RegExp(`(?:^|\n\n)(${WORDS}):\n`));
  return {
    summary,
    nextStep: next.replace(/^Next: /, ""),
    notes: notes.map((note) => note.replace(/^Note: /, "")),
    facts: new Map(
      linesOf(facts).map((line) => {
        const at = line.indexOf(": ");
        return [line.slice(0, at), line.slice(at + 2)];
      }),
    ),
    batches: linesOf(batches),
    words: new Map(
      parts.flatMap((part, index) =>
        index % 2 === 0 ? [[part, parts[index + 1] ?? ""] as const] : [],
      ),
    ),
  };
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

/** The facts of a structured report as the text has to tell them. */
function factsOf(report: RunReport): [string, string][] {
  const { status, is_active, counts, usual_seconds, wait, cut, spending } = report;
  const asked = wait?.asked_seconds === undefined ? "" : `asked ${wait.asked_seconds} s, `;
  const facts: [string, string | number | undefined][] = [
    ["outcome", report.outcome],
    ["run_id", report.run_id],
    ["taskgroup_id", report.taskgroup_id],
    ["status", status && `${status} (${is_active === true ? "active" : "not active"})`],
    ["is_active", status === undefined && is_active !== undefined ? String(is_active) : undefined],
    [
      "counts",
      counts &&
        Object.entries(counts)
          .map(([name, n]) => `${n} ${name}`)
          .join(", "),
    ],
    ["processor", report.processor],
    ["price_usd", report.price_usd],
    ["usual_seconds", usual_seconds && `${usual_seconds.from} to ${usual_seconds.to}`],
    ["percent", report.percent],
    ["sources_read", report.sources_read],
    ["sources_considered", report.sources_considered],
    ["created_at", report.created_at],
    ["modified_at", report.modified_at],
    ["interaction_id", report.interaction_id],
    ["output_type", report.output_type],
    ["citations_total", report.citations_total],
    ["wait", wait && `${asked}applied ${wait.applied_seconds} s (${wait.why})`],
    [
      "cut",
      cut &&
        `shown from ${cut.offset} to ${cut.next_offset ?? cut.total} of ${cut.total} ${cut.unit}`,
    ],
    [
      "spending",
      spending &&
        `$${spending.today_usd} today of $${spending.budget_usd_per_day} a day, $${spending.active_usd} of it for active runs, $${spending.total_usd} in all`,
    ],
    ["resource", report.resource],
    ["next_cursor", report.next_cursor],
    ["ignored_arguments", report.ignored_arguments?.join(", ")],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
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
        case "basis":
        case "events":
        case "request":
          return [name, JSON.parse(text)];
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

function readCitations(text: string) {
  return [...text.matchAll(/^- (.*?): (?:(.*) )?<(.*)>(?:\n {2}"(.*)")?$/gm)].map(
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
  const { usual_seconds: usual, ...facts } = Object.fromEntries(text.facts);
  const { usual_seconds: wanted, ...others } = Object.fromEntries(factsOf(report));
  expect(facts).toEqual(others);
  expect(usual?.split(" (")[0]).toBe(wanted);
  expect(text.batches).toEqual(
    (report.batches ?? []).map(({ from, to, outcome }) => `- inputs ${from} to ${to}: ${outcome}`),
  );
  // toEqual takes an absent title or excerpt for an undefined one.
  expect(readWords(text.words)).toEqual(wordsOf(report));
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
      expect(report.ignored_arguments).toEqual(["stray"]);
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
    all: string;
  })[] = [
    ({ texts }) => ({ next: readText(texts).nextStep, all: texts.join("\n") }),
    ({ report }) => ({ next: report.next_step, all: JSON.stringify(report) }),
  ];
  for (const read of readers) {
    const created = read(await client.call("create_task_run", { input: "text" }));
    const answer = read(
      await client.call("get_task_run", suggestedCall(created.next, "get_task_run")),
    );
    expect(answer.all).toContain("In two paragraphs.");
    expect(answer.all).toContain("https://example.org/a");
    const evidence = read(
      await client.call("get_task_run", suggestedCall(answer.next, "get_task_run")),
    );
    expect(evidence.all).toContain("It says so.");

    const long = read(await client.call("create_task_run", { input: "long", wait_seconds }));
    const [, onward = ""] = long.next.split("or read on with ");
    const second = read(await client.call("get_task_run", suggestedCall(onward, "get_task_run")));
    expect(second.all).toContain("A sentence of the part.");

    const group = read(await client.call("create_task_group", { inputs: ["bad one", "text"] }));
    const rows = read(
      await client.call("get_task_group", suggestedCall(group.next, "get_task_group")),
    );
    const failures = read(
      await client.call("get_task_group", suggestedCall(rows.next, "get_task_group")),
    );
    expect(failures.all).toContain("Nothing about bad one");
    expect(suggestedCall(failures.next, "create_task_group")).toHaveProperty("retry_run_ids");

    const { next } = read(await client.call("list_task_runs", { text: "long" }));
    const found = read(await client.call("get_task_run", suggestedCall(next, "get_task_run")));
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
