import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { beforeAll, expect, test } from "vitest";
import type { RunReport } from "../../src/mcp/report/run-report.ts";
import type { RunOutput, TextOutput } from "../../src/task-api/output.ts";
import { startTestEngine } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";
import { suggestedCall } from "./stories.ts";

const CHAPTERS = 40;
const PARTS = 5;

/** Two megabytes of Markdown in 40 chapters of 5 parts, with 600 citations in three confidences. */
function longReport(): TextOutput {
  const paragraph = (about: string) =>
    Array.from(
      { length: 10 },
      (_, line) => `${about}, finding ${line}: ${"evidence ".repeat(110)}`,
    );
  const chapters = Array.from({ length: CHAPTERS }, (_, chapter) => [
    `## Chapter ${chapter}`,
    `What chapter ${chapter} is about.`,
    ...Array.from({ length: PARTS }, (_unused, part) => [
      `### Part ${chapter}.${part}`,
      ...paragraph(`Part ${chapter}.${part}`),
    ]).flat(),
  ]).flat();
  const content = ["# The report", "A summary in one line.", ...chapters].join("\n\n");
  return {
    type: "text",
    content,
    basis: ["high", "medium", "low"].map((confidence, index) => ({
      field: `output.${index}`,
      confidence,
      reasoning: `Why the confidence is ${confidence}.`,
      citations: Array.from({ length: 200 }, (_, citation) => ({
        url: `https://example.com/${confidence}/${citation}`,
        title: `Source ${citation} of ${confidence}`,
        excerpts: [`Excerpt ${citation}. ${"quoted words ".repeat(20)}`],
      })),
    })),
  };
}

async function readable(output: RunOutput) {
  const engine = await startTestEngine(async () => ({ output, warnings: [] }));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", { input: "All of it", wait_seconds: 50 });
  const run_id = report.run_id ?? "";
  return async (args: Record<string, unknown> = {}) => {
    const answer = await client.call("get_task_run", { run_id, ...args });
    // Clients show a model one channel, or the other, or both.
    expect(tokens(answer.text) + tokens(JSON.stringify(answer.report))).toBeLessThan(10_000);
    return answer;
  };
}

const long = longReport();
let get: Awaited<ReturnType<typeof readable>>;

beforeAll(async () => {
  get = await readable(long);
});

/** The last call that a next step names: reading on. */
function lastCall({ next_step: next, ...ids }: RunReport): Record<string, unknown> {
  const last = next.slice(next.lastIndexOf("get_task_run"));
  return suggestedCall(last, "get_task_run", ids);
}

const tokens = (text: string) => encode(text, { disallowedSpecial: new Set() }).length;

test("a 2 MB report is read outline first, then chapter by chapter, each answer within budget", async () => {
  const { content } = long;
  expect(content.length).toBeGreaterThan(2_000_000);

  const first = await get();
  expect(first.report.outline?.slice(0, 3)).toEqual([
    { section: "The report", level: 1, chars: content.length },
    { section: "Chapter 0", level: 2, chars: expect.any(Number) },
    { section: "Chapter 1", level: 2, chars: expect.any(Number) },
  ]);
  expect(first.report.outline).toHaveLength(CHAPTERS + 1);
  expect(first.report.cut).toMatchObject({ offset: 0, total: content.length, unit: "characters" });
  expect(first.text).toContain("- Chapter 7 (");
  // Beside the outline only a beginning: it is there to choose from.
  expect(String(first.report.output).length).toBeLessThanOrEqual(2_000);
  expect(first.report.citations?.length).toBeGreaterThan(0);
  expect(first.report.citations_total).toBeGreaterThan(first.report.citations?.length ?? 0);
  expect(first.report.next_step).toContain('section "…"');

  const chapter = await get({ section: "Chapter 7" });
  expect(chapter.report.output).toMatch(/^## Chapter 7\n\nWhat chapter 7 is about/);
  expect(chapter.report.outline?.map(({ section }) => section)).toEqual(
    Array.from({ length: PARTS }, (_, part) => `Part 7.${part}`),
  );
  const part = await get({ section: "Part 7.3" });
  expect(part.report.output).toMatch(/^### Part 7\.3\n\n/);
  expect(part.report).not.toHaveProperty("outline");
});

test("the calls that the answers suggest read every chapter to its end, and nothing twice", async () => {
  let read = "";
  let next = await get({ section: "Chapter 12" });
  for (let pages = 0; pages < 30; pages += 1) {
    read += String(next.report.output);
    if (next.report.cut?.next_offset === undefined) break;
    next = await get(lastCall(next.report));
  }
  const { content } = long;
  const start = content.indexOf("## Chapter 12");
  expect(read).toBe(content.slice(start, content.indexOf("## Chapter 13")).trimEnd());
});

test("600 citations are read page by page, whole ones only, by field and by confidence", async () => {
  const urls: string[] = [];
  let next = await get({ view: "basis" });
  for (let pages = 0; pages < 60; pages += 1) {
    urls.push(...urlsIn(next.report.basis));
    if (next.report.cut?.next_offset === undefined) break;
    next = await get(lastCall(next.report));
  }
  expect(urls).toHaveLength(600);
  expect(new Set(urls).size).toBe(600);

  const low = await get({ confidence: "low" });
  expect(low.report.cut).toMatchObject({ total: 200, unit: "citations" });
  expect(urlsIn(low.report.basis).every((url) => url.includes("/low/"))).toBe(true);
  expect(lastCall(low.report)).toMatchObject({ view: "basis", confidence: "low" });
  const field = await get({ view: "basis", field: "output.1" });
  expect(urlsIn(field.report.basis).every((url) => url.includes("/medium/"))).toBe(true);
});

function urlsIn(basis: unknown): string[] {
  return [...JSON.stringify(basis).matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url ?? "");
}

test("a section that is not there is an error that names some of those that are", async () => {
  const { isError, texts } = await get({ section: "Conclusion" });
  expect(isError).toBe(true);
  expect(texts[0]).toContain('The output has no section "Conclusion".');
  expect(texts[1]).toContain("Sections of the output: The report | Chapter 0");
});

test("sections of an output of fields: only of a field that is a text", async () => {
  const getFields = await readable({
    type: "json",
    content: { summary: "# One\n\nfirst\n\n# Two\n\nsecond", count: 2 },
    basis: [],
  });
  expect((await getFields({ field: "summary", section: "Two" })).report.output).toBe(
    "# Two\n\nsecond",
  );
  const { isError, text } = await getFields({ section: "Two" });
  expect(isError).toBe(true);
  expect(text).toContain("- section: only text has sections; use field for this output");
});

test("the status view is for polling: under 100 tokens in each channel, running or done", async () => {
  const { text, report } = await get({ view: "status" });
  expect(tokens(text)).toBeLessThan(100);
  expect(tokens(JSON.stringify(report))).toBeLessThan(100);
  expect(report).toEqual({
    summary: "The run is completed.",
    next_step: "Call get_task_run with this run_id to read the answer.",
    run_id: expect.stringMatching(/^trun_/),
    status: "completed",
    is_active: false,
  });
});
