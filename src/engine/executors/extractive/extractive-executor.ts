import type { Logger } from "pino";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { type JsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { openDocumentLibrary } from "../../sources/folder/document-library.ts";
import type { DocumentPassage, PassageSearch } from "../../sources/source.ts";
import { splitIdentifier } from "../../sources/text/words.ts";
import type { SyncCounts } from "../../sources/folder/index-folder.ts";
import { type Attempt, defineExecutor, type ExecutionResult, type Executor } from "../executor.ts";
import {
  askMcpServers,
  type McpFindings,
  type OpenMcpServers,
} from "../../research/ask-mcp-servers.ts";
import { MCP_SHARE, readingBudget } from "../../research/budgets.ts";
import { fillFields, partsOf } from "./fill-fields.ts";
import { chooseWindows } from "./choose-windows.ts";
import type { PassageWindow } from "./cut-windows.ts";
import { findWindows } from "./find-windows.ts";
import { createEmbedder, type Embedder, EmbeddingEndpoint } from "../../research/embeddings.ts";
import { searchAlso } from "../../research/found-documents.ts";
import { type OutputField, readOutputFields } from "../../research/output-fields.ts";
import { createEvidenceStore } from "../../research/create-evidence-store.ts";
import type { EvidenceStore } from "../../research/evidence-store.ts";
import { createReadingProgress, type ReadingProgress } from "../../research/reading-progress.ts";
import { type ReadingTime, startReadingTime } from "../../research/reading-time.ts";
import { countText, describeSync, waitForIndex } from "../documents/wait-for-index.ts";
import { readTask } from "../documents/research-task.ts";
import { warnBeforeRun, warnOfUnread, warnOfSources } from "../documents/source-warnings.ts";
import { rerankSearch } from "./rerank-search.ts";
import { writeAnswer, writeNoAnswer } from "./write-answer.ts";

export interface ExtractiveExecutorOptions {
  db: Database;
  /** The folders of documents, absolute or relative to the working directory; at least one. */
  folders: readonly string[];
  log: Logger;
  /** What runs have seen; without it, a store on the same database. */
  evidence?: EvidenceStore;
  /** Without it, `mcp_servers` of a run are not used, and the run carries a warning. */
  openMcpServers?: OpenMcpServers | undefined;
  /** Re-ranks passages where the words of a question say little; closed with the executor. */
  embedder?: Embedder | null;
  clock?: Clock;
}

/** The executor that the registry calls `extractive`. */
export const extractive = defineExecutor({
  settings: z.object({
    folders: z.array(z.string()).min(1),
    embedding: EmbeddingEndpoint.optional(),
  }),
  create: ({ db, evidence, fetchFromRun, log }, { folders, embedding }) =>
    createExtractiveExecutor({
      db,
      evidence,
      folders,
      log,
      embedder: embedding === undefined ? null : createEmbedder(embedding),
      openMcpServers: async (entries, signal) => {
        // Most runs have no MCP servers, and the MCP client is large.
        const { openRunMcpServers } = await import("../../mcp-servers/run-mcp-servers.ts");
        return openRunMcpServers(entries, { fetch: fetchFromRun, signal, log });
      },
    }),
});

const NO_MODEL: RunWarning = {
  type: "warning",
  message: "No model was used: these are quotes; check that they answer.",
};

const NOTHING_FOUND: RunWarning = {
  type: "warning",
  message: "No word of the question was found; nothing was made up instead.",
};

/**
 * An executor that answers by quoting folders of documents, without a model. It uses the network only for the MCP
 * servers of a run, whose search results are quoted in the same way. Throws `DocumentFolderUnusable` when a folder is
 * missing; when one disappears later, runs fail with its message.
 */
export async function createExtractiveExecutor({
  db,
  folders,
  log,
  evidence = createEvidenceStore(db),
  openMcpServers,
  embedder = null,
  clock = systemClock,
}: ExtractiveExecutorOptions): Promise<Executor> {
  const library = await openDocumentLibrary(db, folders, log);
  const places = library.folders.join(", ");

  async function execute(attempt: Attempt): Promise<ExecutionResult> {
    const { input, signal } = attempt;
    const output = requestedOutput(input.task_spec);
    const schema = output.type === "json" ? output.jsonSchema : null;
    const fields = schema && readOutputFields(schema);
    const progress = createReadingProgress(
      attempt,
      fields === null ? 1 : partsOf(fields).length,
      clock,
    );

    await progress.report("exec_status", "Starting research");
    await progress.report("exec_status", `Indexing the documents of ${places}`);
    const counts = await waitForIndex(library, attempt, progress, clock);
    await progress.report("exec_status", describeSync(counts));
    const documents = await library.passages(input.source_policy);
    await progress.report("plan", describePlan(documents, counts, fields?.length ?? null));
    const { seconds } = readingBudget(input.processor);
    const time = startReadingTime(seconds, clock);
    const findings = await askMcpServers({
      input,
      question: toolQuestion(attempt, fields),
      open: openMcpServers,
      signal,
      waitSeconds: seconds * MCP_SHARE,
      clock,
      progress,
    });
    const { search, warnings } = rerankSearch(
      searchAlso(documents, findings.documents),
      embedder,
      signal,
    );

    const answered =
      schema === null
        ? await answerInText(attempt, search, evidence, progress, time)
        : await answerInFields(schema, attempt, search, evidence, progress, time);
    return addFindings(answered, findings, [
      ...(await warnOfSources(input, library)),
      ...warnOfUnread(library.unread),
      ...warnings,
      ...(time.wasTooShort ? [warnOfTime(input)] : []),
    ]);
  }

  return {
    key: `extractive:${library.folders.join(",")}`,
    execute,
    warningsFor: (input, sinceMs) => warnBeforeRun(input, sinceMs, library, clock),
    usualSeconds: (processor) => ({ from: 0, to: readingBudget(processor).seconds }),
    close: async () => {
      await library.close();
      await embedder?.close();
    },
  };
}

/** The query for a search tool: the question, and for an output of fields their names too. */
function toolQuestion(attempt: Attempt, fields: readonly OutputField[] | null): string {
  const names = (fields ?? []).map((field) => splitIdentifier(field.name));
  return [...readTask(attempt).asked, ...names].join(" ").trim();
}

function addFindings(
  { output, warnings }: ExecutionResult,
  findings: McpFindings,
  own: readonly RunWarning[],
): ExecutionResult {
  const calls = findings.calls.length === 0 ? {} : { mcp_tool_calls: findings.calls };
  return {
    output: { ...output, ...calls },
    warnings: [...warnings, ...own, ...findings.warnings],
  };
}

function warnOfTime({ processor }: RunInput): RunWarning {
  const { seconds } = readingBudget(processor);
  const message = `The ${seconds} s that processor ${processor} has were over before everything was searched and read. The output is what was found until then; a processor above it, where there is one, has more time.`;
  return { type: "warning", message };
}

async function answerInFields(
  schema: JsonObject,
  attempt: Attempt,
  search: PassageSearch,
  evidence: EvidenceStore,
  progress: ReadingProgress,
  time: ReadingTime,
): Promise<ExecutionResult> {
  const fields = readOutputFields(schema);
  const { output, warnings, filled } = await fillFields(fields, schema, {
    task: readTask(attempt),
    search,
    time,
    beginSearch: progress.beginSearch,
    keep: (shown) => evidence.keep(attempt.runId, shown, search),
  });
  await progress.report("result", `Filled ${filled} of ${output.basis.length} output fields`);
  return { output, warnings: [NO_MODEL, ...warnings] };
}

async function answerInText(
  attempt: Attempt,
  search: PassageSearch,
  evidence: EvidenceStore,
  progress: ReadingProgress,
  time: ReadingTime,
): Promise<ExecutionResult> {
  const task = readTask(attempt);
  const query = { text: task.asked.join("\n"), hints: task.hints.join(" ") };
  const observer = await progress.beginSearch(task.asked.join(" "));
  const found = await findWindows(query, search, observer, time);
  if (found.passages.length === 0) {
    await progress.report("result", "No word of the question is in the documents");
    const output = writeNoAnswer(search.documentCount, found);
    return { output, warnings: [NO_MODEL, NOTHING_FOUND] };
  }
  const chosen = chooseWindows(found, readingBudget(attempt.input.processor), attempt);
  const shown = [...chosen.quoted, ...chosen.close].map(({ passage }) => passage);
  // What is shown comes first, so that reading on begins behind it.
  const hits = [...new Set<DocumentPassage>([...shown, ...found.passages])];
  const kept = await evidence.keep(attempt.runId, hits, search);
  const ids = new Map(hits.map((hit, index) => [hit, kept[index]?.id ?? ""]));
  const withId = (window: PassageWindow) => ({ ...window, id: ids.get(window.passage) ?? "" });
  const documents = new Set(shown.map(({ document }) => document.id)).size;
  await progress.report(
    "result",
    `Quoting ${countText(new Set(shown).size, "passage")} of ${countText(documents, "document")}`,
  );
  const output = writeAnswer({
    quoted: chosen.quoted.map(withId),
    close: chosen.close.map(withId),
    missing: found.missing,
    isExhausted: chosen.isExhausted,
  });
  return { output, warnings: [NO_MODEL] };
}

function describePlan(
  search: PassageSearch,
  { documents }: SyncCounts,
  fields: number | null,
): string {
  const scope =
    search.documentCount < documents
      ? `${search.documentCount} of ${documents} documents (source_policy)`
      : countText(documents, "document");
  const aim =
    fields === null
      ? "quote the passages that match the question best"
      : `look for a value of each of ${countText(fields, "output field")}`;
  return `Search ${scope} and ${aim}`;
}
