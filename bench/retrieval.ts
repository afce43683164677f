// Measures how well the extractive executor finds answers: asks it questions about the documents of bench/retrieval and
// judges the quotes. Run `npm run bench:retrieval`; `--misses` lists the wrong answers. Do not tune the search for the
// held-out questions.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { z } from "zod";
import { type Figure, printFigures } from "./figures.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { createExtractiveExecutor } from "../src/engine/executors/extractive/extractive-executor.ts";

const DOCUMENTS = fileURLToPath(new URL("retrieval/documents", import.meta.url));

/** The lowest tier with the three quotes that hit@3 needs; higher tiers only read and quote more. */
const PROCESSOR = "core";

const KINDS = ["direct", "near-miss", "paraphrase", "unanswerable"] as const;
const Question = z.discriminatedUnion("kind", [
  z.object({
    kind: z.enum(["direct", "near-miss", "paraphrase"]),
    question: z.string(),
    /** Parts of the paths of the documents that answer. */
    documents: z.array(z.string()),
    /** Pattern that every correct quote matches. */
    answer: z.string(),
  }),
  z.object({ kind: z.literal("unanswerable"), question: z.string() }),
]);
type Question = z.infer<typeof Question>;

interface Quote {
  sentence: string;
  /** Path of the quoted document. */
  document: string;
}

/** The quotes of a run's answer, best first; empty when it says that there is no answer. */
function readQuotes(content: string): Quote[] {
  const [answer = "", sources = ""] = content.split("\n\nSources:\n\n");
  const urls = [...sources.matchAll(/<(.+)>$/gm)].map((match) => match[1] ?? "");
  return [...answer.matchAll(/"(.+)" \[(\d+)\]$/gm)].map((match) => ({
    sentence: match[1] ?? "",
    document: decodeURI(urls[Number(match[2]) - 1] ?? "").replace(
      /^.*\/retrieval\/documents\//,
      "",
    ),
  }));
}

interface Judgement {
  question: Question;
  quotes: Quote[];
  documentRank: number;
  answerRank: number;
}

function judge(question: Question, quotes: Quote[]): Judgement {
  if (question.kind === "unanswerable") {
    return { question, quotes, documentRank: Infinity, answerRank: Infinity };
  }
  const rankOf = (isRight: (quote: Quote) => boolean) => {
    const index = quotes.findIndex(isRight);
    return index === -1 ? Infinity : index + 1;
  };
  const isDocument = ({ document }: Quote) => question.documents.includes(document);
  return {
    question,
    quotes,
    documentRank: rankOf(isDocument),
    answerRank: rankOf(
      (quote) => isDocument(quote) && new RegExp(question.answer).test(quote.sentence),
    ),
  };
}

async function ask(
  questions: readonly Question[],
): Promise<{ judged: Judgement[]; cpuMs: number }> {
  const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
  const db = await openDatabase(join(stateDir, "state.db"));
  const log = pino({ level: "silent" });
  const executor = await createExtractiveExecutor({ db, folders: [DOCUMENTS], log });
  const answer = async (input: string) => {
    const { output } = await executor.execute({
      runId: "trun_bench",
      createdMs: Date.now(),
      input: { input, processor: PROCESSOR },
      previous: [],
      signal: new AbortController().signal,
      report: async () => undefined,
    });
    return output.type === "text" ? readQuotes(output.content) : [];
  };
  try {
    await answer("Which documents are there?");
    const before = process.cpuUsage();
    const judged = [];
    for (const question of questions) judged.push(judge(question, await answer(question.question)));
    const { user, system } = process.cpuUsage(before);
    return { judged, cpuMs: (user + system) / 1_000 / questions.length };
  } finally {
    await executor.close?.();
    await db.destroy();
    await rm(stateDir, { recursive: true, force: true });
  }
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${Math.round((part / whole) * 100)} % (${part}/${whole})`;
}

function row(kind: string, judged: readonly Judgement[]): string {
  const count = (isTrue: (judgement: Judgement) => boolean) =>
    percent(judged.filter(isTrue).length, judged.length);
  const cells =
    kind === "unanswerable"
      ? ["–", "–", "–", "–", count(({ quotes }) => quotes.length > 0)]
      : [
          count(({ documentRank }) => documentRank <= 1),
          count(({ documentRank }) => documentRank <= 3),
          count(({ answerRank }) => answerRank <= 1),
          count(({ answerRank }) => answerRank <= 3),
          count(({ quotes, answerRank }) => quotes.length > 0 && answerRank > 3),
        ];
  return `| ${kind} | ${cells.join(" | ")} |`;
}

function printMisses(judged: readonly Judgement[]): void {
  for (const { question, quotes, answerRank } of judged) {
    const isRight = question.kind === "unanswerable" ? quotes.length === 0 : answerRank === 1;
    if (isRight) continue;
    const wanted = question.kind === "unanswerable" ? "nothing" : question.answer;
    console.log(`- [${question.kind}] ${question.question} (wanted ${wanted}, rank ${answerRank})`);
    for (const quote of quotes) console.log(`    ${quote.document}: ${quote.sentence}`);
  }
}

const figures: Figure[] = [];
const only = process.argv.find((argument) => argument.startsWith("--set="))?.slice("--set=".length);
for (const name of ["tuning", "held-out"].filter((set) => only === undefined || only === set)) {
  const file = new URL(`retrieval/${name}/invented.json`, import.meta.url);
  const questions = z.array(Question).parse(JSON.parse(await readFile(file, "utf8")));
  const { judged, cpuMs } = await ask(questions);
  console.log(`\n${name}: ${questions.length} questions, ${cpuMs.toFixed(1)} ms of CPU each\n`);
  console.log(
    "| kind | document hit@1 | document hit@3 | answer hit@1 | answer hit@3 | false answers |",
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const kind of KINDS) {
    console.log(
      row(
        kind,
        judged.filter(({ question }) => question.kind === kind),
      ),
    );
  }
  if (process.argv.includes("--misses")) printMisses(judged);
  figures.push(...KINDS.flatMap((kind) => figuresOf(name, kind, judged)));
}
console.log("");
printFigures("retrieval", figures);

function figuresOf(set: string, kind: string, all: readonly Judgement[]): Figure[] {
  const judged = all.filter(({ question }) => question.kind === kind);
  const share = (figure: string, isTrue: (judgement: Judgement) => boolean): Figure => ({
    figure: `${set}, ${kind}: ${figure}`,
    value: (100 * judged.filter(isTrue).length) / Math.max(judged.length, 1),
    unit: "%",
  });
  return kind === "unanswerable"
    ? [share("refused", ({ quotes }) => quotes.length === 0)]
    : [
        share("document hit@1", ({ documentRank }) => documentRank <= 1),
        share("answer hit@3", ({ answerRank }) => answerRank <= 3),
      ];
}
