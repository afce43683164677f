// Asks the extractive executor, as the engine does, and reads from its output what an agent reads.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { openDatabase } from "../../src/database/open-database.ts";
import { createExtractiveExecutor } from "../../src/engine/executors/extractive/extractive-executor.ts";
import type { RunOutput, TextOutput } from "../../src/task-api/output.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";

/** A passage that an answer shows. */
export interface ShownPassage {
  /** The path of its document below the folder, or the web address that the document names as its own. */
  document: string;
  /** The excerpt, with the line before it that says where it stands. */
  text: string;
  /** Characters of the excerpt alone. */
  length: number;
}

export interface Answer {
  /** In the order of the answer; empty when it says that there is none. */
  passages: ShownPassage[];
  content: string;
  ms: number;
}

export interface Reader {
  ask(question: string, processor: string): Promise<Answer>;
  run(input: RunInput): Promise<RunOutput>;
  close(): Promise<void>;
}

/** An executor on folders, with an index of its own that is complete. */
export async function openReader(folders: readonly string[], root: string): Promise<Reader> {
  const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
  const db = await openDatabase(join(stateDir, "state.db"));
  const log = pino({ level: "silent" });
  const executor = await createExtractiveExecutor({ db, folders, log });
  let count = 0;

  async function run(input: RunInput): Promise<RunOutput> {
    const runId = `trun_bench_${(count += 1)}`;
    await db.insertInto("runs").values(runRow(runId)).execute();
    const { output } = await executor.execute({
      runId,
      createdMs: Date.now(),
      input,
      previous: [],
      signal: new AbortController().signal,
      report: async () => undefined,
    });
    return output;
  }

  async function ask(question: string, processor: string): Promise<Answer> {
    const startMs = performance.now();
    const output = await run({ input: question, processor });
    const ms = performance.now() - startMs;
    if (output.type !== "text") throw new Error("The answer to a plain question is text");
    return { passages: readPassages(output, root), content: output.content, ms };
  }

  await ask("Which documents are there?", "base");
  return {
    ask,
    run,
    close: async () => {
      await executor.close?.();
      await db.destroy();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** A running run, for its evidence. */
function runRow(run_id: string) {
  return {
    run_id,
    interaction_id: run_id,
    tenant_id: "",
    taskgroup_id: null,
    status: "running",
    processor: "base",
    price_usd: 0,
    executor_key: "",
    input: "{}",
    output: null,
    error: null,
    warnings: null,
    lease_owner: null,
    lease_until: null,
    action_until: null,
    created_at: "",
    modified_at: "",
  };
}

/** The excerpts of the citations in the order of the text, each with the line above it, but for its words of the question. */
function readPassages({ content, basis }: TextOutput, root: string): ShownPassage[] {
  const text = normalizeText(content.replaceAll(/ · has \*.*$/gm, ""));
  const found = basis
    .flatMap(({ citations }) => citations ?? [])
    .flatMap(({ url, excerpts }) =>
      (excerpts ?? []).map((excerpt) => ({
        document: documentOf(url, root),
        excerpt: normalizeText(excerpt),
      })),
    )
    .map((passage) => ({ ...passage, at: text.indexOf(passage.excerpt) }))
    .filter(({ at }) => at !== -1)
    .toSorted((a, b) => a.at - b.at);
  let end = 0;
  return found.map(({ document, excerpt, at }) => {
    const before = text.slice(Math.min(end, at), at);
    end = at + excerpt.length;
    return { document, text: `${before}${excerpt}`, length: excerpt.length };
  });
}

/** Text without Markdown's marks, since documents, excerpts and answers differ in them. */
function normalizeText(text: string): string {
  return text
    .replaceAll(/^> ?/gm, "")
    .replaceAll(/[`*"“”‘’]/g, "")
    .replaceAll(/\s+/g, " ");
}

function documentOf(url: string, root: string): string {
  if (!url.startsWith("file:")) return url;
  const address = new URL(url);
  address.hash = "";
  const path = fileURLToPath(address);
  return path.startsWith(root) ? path.slice(root.length).replace(/^\//, "") : path;
}
