// Measures how well the extractive executor finds answers: asks it questions about the invented documents of
// bench/retrieval, the Markdown of the installed npm packages, and Debian's documentation where that is installed, and
// judges what an agent gets to read. Run `npm run bench:retrieval`; `--set=npm` asks one set only, `--set=load` measures
// time and memory only, `--misses` lists what was missed. Nobody may tune for the questions of `held-out`: their misses
// are not listed.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Figure, printFigures } from "./figures.ts";
import { openReader, type Reader } from "./retrieval/ask.ts";
import { CORPORA, copyCorpus } from "./retrieval/corpora.ts";
import { figuresOf, judge, type Judged, Question } from "./retrieval/judge.ts";
import { measureFields } from "./retrieval/measure-fields.ts";
import { measureLoad } from "./retrieval/measure-load.ts";

const DOCUMENTS = fileURLToPath(new URL("retrieval/documents", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../examples/documents", import.meta.url));
const SETS = ["npm", "debian", "languages"] as const;
const SPLITS = ["tuning", "held-out"] as const;

/** The figures of the executor that quoted single sentences, by set and name. */
const before = z
  .record(z.string(), z.record(z.string(), z.number()))
  .parse(JSON.parse(await readFile(new URL("retrieval/before.json", import.meta.url), "utf8")));

async function readQuestions(split: string, set: string): Promise<Question[]> {
  const file = new URL(`retrieval/${split}/${set}.json`, import.meta.url);
  return z.array(Question).parse(JSON.parse(await readFile(file, "utf8")));
}

async function judgeAll(reader: Reader, questions: readonly Question[]): Promise<Judged[]> {
  const judged = [];
  for (const question of questions) {
    const base = await reader.ask(question.question, "base");
    judged.push(judge(question, base, await reader.ask(question.question, "core")));
  }
  return judged;
}

function printKinds(judged: readonly Judged[]): void {
  for (const kind of new Set(judged.map(({ question }) => question.kind))) {
    const own = judged.filter(({ question }) => question.kind === kind);
    const count = (isTrue: (one: Judged) => boolean) =>
      `${own.filter(isTrue).length}/${own.length}`;
    const documents = count(({ documentRank }) => documentRank <= 3);
    console.log(
      `  ${kind.padEnd(14)} document@3 ${documents}, within 1,600 ${count(({ isInBase }) => isInBase)}, within 3,200 ${count(({ isInCore }) => isInCore)}`,
    );
  }
}

function printMisses(judged: readonly Judged[]): void {
  for (const { question, base, answerRank, documentRank, isInBase } of judged) {
    if (!("answer" in question) || isInBase) continue;
    console.log(
      `- [${question.kind}] ${question.question}\n  wanted /${question.answer}/ of ${question.documents.join(", ")}; document ${documentRank}, answer ${answerRank}`,
    );
    for (const { document, text } of base.passages) console.log(`    ${document}: ${text}`);
  }
}

/** Asks both halves of a set; the figures are named for the set and the half. */
async function measureSet(set: "invented" | keyof typeof CORPORA, folder: string): Promise<void> {
  const reader = await openReader([folder], folder);
  try {
    for (const split of SPLITS) {
      const judged = await judgeAll(reader, await readQuestions(split, set));
      const on = `${set}, ${split}`;
      const figures = figuresOf(judged).map((one) => ({
        ...one,
        on,
        before: before[on]?.[one.figure],
      }));
      console.log(`\n${on}: ${judged.length} questions`);
      printFigures("retrieval", figures);
      printKinds(judged);
      if (split === "tuning" && process.argv.includes("--misses")) printMisses(judged);
    }
    if (set !== "languages") printFigures("retrieval", await measureFields(set, reader));
  } finally {
    await reader.close();
  }
}

/** The documents of the examples are too few to search: only fields are filled from them. */
async function measureExamples(): Promise<void> {
  const reader = await openReader([EXAMPLES], EXAMPLES);
  try {
    printFigures("retrieval", await measureFields("examples", reader));
  } finally {
    await reader.close();
  }
}

/** How long a question takes over everything at once, and how long the first one waits for the index. */
async function measureLatency(
  folders: readonly string[],
  root: string,
  files: number,
): Promise<Figure[]> {
  const startMs = performance.now();
  const reader = await openReader(folders, root);
  const indexSeconds = (performance.now() - startMs) / 1_000;
  const over = `${files.toLocaleString("en-US")} files`;
  try {
    const ms: number[] = [];
    for (const set of ["npm", "debian"]) {
      for (const { question } of await readQuestions("tuning", set)) {
        ms.push((await reader.ask(question, "base")).ms);
      }
    }
    ms.sort((a, b) => a - b);
    const at = (share: number) => ms[Math.floor(share * (ms.length - 1))] ?? 0;
    return [
      { figure: `${over}: until indexed`, value: indexSeconds, unit: "s" },
      { figure: `${over}: a question, p50`, value: at(0.5), unit: "ms" },
      { figure: `${over}: a question, p95`, value: at(0.95), unit: "ms" },
    ];
  } finally {
    await reader.close();
  }
}

const only = process.argv.find((argument) => argument.startsWith("--set="))?.slice("--set=".length);
const isAsked = (set: string) => only === undefined || only === set;
const root = await mkdtemp(join(tmpdir(), "task-run-mcp-corpora-"));
try {
  if (isAsked("invented")) await measureSet("invented", DOCUMENTS);
  if (isAsked("examples")) await measureExamples();
  const copied: string[] = [];
  let files = 0;
  for (const set of SETS) {
    const sources = CORPORA[set];
    if (!isAsked(set) && !isAsked("latency")) continue;
    const folder = join(root, set);
    const { count, missing } = await copyCorpus(sources, folder);
    if (missing.length > 0) console.log(`\n${set}: not installed: ${missing.join(", ")}`);
    if (count === 0) continue;
    copied.push(folder);
    files += count;
    if (missing.length > 0) console.log(`${set}: left out, because its questions need them all`);
    else if (isAsked(set)) await measureSet(set, folder);
  }
  if (isAsked("latency")) printFigures("retrieval", await measureLatency(copied, root, files));
  if (isAsked("load")) printFigures("retrieval", await measureLoad());
} finally {
  await rm(root, { recursive: true, force: true });
}
