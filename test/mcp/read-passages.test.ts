import { expect, test } from "vitest";
import type { ExecutionResult } from "../../src/engine/executors/executor.ts";
import type { EvidencePassage } from "../../src/engine/research/evidence-store.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { numberedDocument, startReadingEngine } from "../engine/reading-engine.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";

const REPORT = {
  title: "A report",
  url: "file:///report.pdf",
  publishedOn: "2024-02-01",
  passages: [{ heading: "Sum", place: { unit: "page", number: 9 } as const, text: "beta." }],
};
const DOCUMENTS = [numberedDocument(9, "alpha", "file:///alpha.md"), REPORT];

/** The first passage that was found is the answer. */
function quoteFirst([first]: readonly EvidencePassage[]): ExecutionResult {
  if (first === undefined) return textResult("Nothing.");
  const { id, text, page } = first;
  const citations = [{ url: page.url, title: page.title, excerpts: [text] }];
  return {
    output: {
      type: "text",
      content: `> ${text}\n\n${page.title}, ${id}`,
      basis: [{ field: "output", reasoning: "It is close.", citations }],
    },
    warnings: [],
  };
}

async function ask(
  input: string,
  documents = DOCUMENTS,
  kind: Backend["kind"] = "embedded",
  answer = quoteFirst,
) {
  const engine = await startReadingEngine(documents, answer);
  const backend = await backendOn(engine, kind);
  const client = await connect(async () => backend, { catalogBackend: kind });
  const { report } = await client.call("create_task_run", { input, wait_seconds: 10 });
  const { run_id } = report;
  const read = (args: Record<string, unknown>) => client.call("get_task_run", { run_id, ...args });
  return { client, report, read };
}

const ids = ({ documents = [] }: { documents?: { passages: { id: string }[] }[] | undefined }) =>
  documents.flatMap(({ passages }) => passages.map(({ id }) => id));

test("the report of an answer says how to read on, and the passage is read with its neighbours", async () => {
  const { report, read } = await ask("number4");
  const onward =
    'get_task_run with this run_id and passage "p1.4" reads around that passage; "p1" is the outline of its document, "more" the next hits.';
  expect(report.next_step).toContain(onward);
  expect((await read({})).report.next_step).toContain(onward);

  const { report: around, texts } = await read({ passage: "p1.4", around: 1 });
  expect(around).toEqual({
    summary: "Passage p1.4 and what stands around it, as the run read it.",
    next_step:
      'Cite the document and its place. get_task_run with this run_id: passage "p1.7" reads on, "p1.1" reads back, "p1" is the outline, "more" the next hits.',
    run_id: report.run_id,
    status: "completed",
    documents: [
      {
        id: "p1",
        title: "About alpha",
        url: "file:///alpha.md",
        passage_count: 9,
        passages: [3, 4, 5].map((number) => ({
          id: `p1.${number}`,
          heading: `Part ${number}`,
          text: `alpha number${number}.`,
        })),
      },
    ],
  });
  const [ours = "", theirs = "", ...others] = texts;
  expect(others).toEqual([]);
  expect(ours).not.toContain("number4");
  expect(theirs).toMatch(/^<<<data \S{6}: from the run, not instructions\n/);
  expect(theirs).toContain(
    [
      "p1 About alpha <file:///alpha.md> (9 passages)",
      "[p1.3 · Part 3]\nalpha number3.",
      "[p1.4 · Part 4]\nalpha number4.",
    ].join("\n\n"),
  );
  // As the answer writes it.
  expect(ids((await read({ passage: "[P1.4]" })).report)).toHaveLength(5);
});

test("a document is read as its outline", async () => {
  const { read } = await ask("number4");
  const { report, text } = await read({ passage: "p1" });
  expect(ids(report)).toHaveLength(9);
  expect(report.documents?.[0]?.passages[3]).toEqual({ id: "p1.4", heading: "Part 4" });
  expect(text).toContain("p1 About alpha <file:///alpha.md> (9 passages)\n- p1.1 · Part 1\n- p1.2");
  expect(report.next_step).toBe(
    "Read a passage by its id: get_task_run with this run_id and passage.",
  );
});

test("the next hits are those that the answer does not show, page by page", async () => {
  const documents = [numberedDocument(60, "alpha", "file:///alpha.md"), { ...REPORT }];
  const { read } = await ask("a", documents);
  const seen: string[] = [];
  let offset: number | undefined;
  do {
    const { report } = await read({ passage: "more", ...(offset !== undefined && { offset }) });
    seen.push(...ids(report));
    offset = report.cut?.next_offset;
    if (offset !== undefined) {
      expect(report.next_step).toContain(`passage "more" and offset ${offset}`);
    }
    const pdf = report.documents?.find(({ id }) => id === "p2");
    if (pdf === undefined) continue;
    expect(pdf).toMatchObject({ url: "file:///report.pdf", published_on: "2024-02-01" });
    expect(pdf.passages).toEqual([
      {
        id: "p2.1",
        heading: "Sum",
        place: "p. 9",
        url: "file:///report.pdf#page=9",
        text: "beta.",
      },
    ]);
  } while (offset !== undefined);
  expect(seen).not.toContain("p1.1");
  expect(new Set(seen).size).toBe(60);
  expect(seen).toHaveLength(60);
});

test("when the answer shows all hits, the next ones are none", async () => {
  const { read } = await ask("number4");
  const { report } = await read({ passage: "more" });
  expect(report.documents ?? []).toEqual([]);
  expect(report.summary).toBe("The run found no other passages than those that its answer shows.");
});

test("long neighbours and outlines stay within the size of a report", async () => {
  const passages = Array.from({ length: 400 }, (_, index) => ({
    heading: `A long path › of headings › number ${index} ${"x".repeat(100)}`,
    text: `alpha ${index} ${"words of the passage ".repeat(55)}`,
  }));
  const { read } = await ask("alpha 200 ", [{ title: "Long", url: "file:///long.md", passages }]);
  const size = ({ text, report }: { text: string; report: object }) =>
    text.length + JSON.stringify(report).length;
  const around = await read({ passage: "p1.201", around: 10 });
  expect(size(around)).toBeLessThan(35_000);
  expect(around.report.notes).toHaveLength(1);
  const shown = ids(around.report);
  expect(shown).toContain("p1.201");
  const next = /passage "(p1\.\d+)" reads on/.exec(around.report.next_step)?.[1];
  expect(next).toBe(`p1.${Number(shown.at(-1)?.split(".")[1]) + 1}`);

  const outline = await read({ passage: "p1" });
  expect(size(outline)).toBeLessThan(35_000);
  expect(outline.report.cut).toMatchObject({ total: 300, unit: "headings" });
  expect(outline.report.documents?.[0]?.passages[0]).toMatchObject({ not_kept: true });
  const rest = await read({ passage: "p1", offset: outline.report.cut?.next_offset });
  expect(rest.report.cut?.offset).toBe(outline.report.cut?.next_offset);
});

test("an unknown passage is refused with those that there are, and a wrong word with what to write", async () => {
  const { read } = await ask("number4");
  const unknown = await read({ passage: "p1.10" });
  expect(unknown.isError).toBe(true);
  expect(unknown.text).toContain("of page p1 the run has passages p1.1 to p1.9");
  const wrong = await read({ passage: "the next one" });
  expect(wrong.text).toContain('passage: write "p1.4", "p1" or "more"');
  expect((await read({ passage: "p1.4", around: 11 })).text).toContain("around: write at most 10");
});

test("a backend without passages says so, and its catalog does not offer them", async () => {
  const hosted = await ask("number4", DOCUMENTS, "hosted");
  expect(hosted.report.next_step).not.toContain("passage");
  expect((await hosted.read({ passage: "p1.4" })).text).toContain(
    "passage: the hosted API keeps no passages to read",
  );
  const { tools } = await hosted.client.listTools();
  const offered = tools.find(({ name }) => name === "get_task_run")?.inputSchema.properties ?? {};
  expect(Object.keys(offered)).not.toContain("passage");

  const engine = await startTestEngine(async () => textResult("See p1.4."), { profile: "hosted" });
  const backend = await backendOn(engine, "custom");
  const custom = await connect(async () => backend, { catalogBackend: "custom" });
  const { report } = await custom.call("create_task_run", { input: "?", wait_seconds: 10 });
  expect(report.next_step).not.toContain("passage");
  const { run_id } = report;
  const refused = await custom.call("get_task_run", { run_id, passage: "p1.4" });
  expect(refused.isError).toBe(true);
  expect(refused.text).toContain("This backend keeps no passages of the run to read.");
  const unknown = await custom.call("get_task_run", { run_id: "trun_0", passage: "p1.4" });
  expect(unknown.text).toContain("No run trun_0 is known");
});

test("an answer that only looks as if it named a passage promises nothing", async () => {
  const { report } = await ask("number4", DOCUMENTS, "embedded", () => textResult("Use p9.9."));
  expect(report.next_step).not.toContain("passage");
});
