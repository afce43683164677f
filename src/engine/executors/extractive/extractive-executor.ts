import type { Logger } from "pino";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { type JsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { openDocumentLibrary } from "../../sources/folder/document-library.ts";
import type { PassageSearch } from "../../sources/source.ts";
import { splitIdentifier } from "../../sources/text/words.ts";
import type { SyncCounts } from "../../sources/folder/index-folder.ts";
import { type Attempt, defineExecutor, type ExecutionResult, type Executor } from "../executor.ts";
import {
  askMcpServers,
  type McpFindings,
  type OpenMcpServers,
} from "../../research/ask-mcp-servers.ts";
import { MCP_SHARE, readingBudget } from "../../research/budgets.ts";
import { countSearches, fillFields } from "./fill-fields.ts";
import { findEvidence } from "./find-evidence.ts";
import { searchAlso } from "../../research/found-documents.ts";
import { type OutputField, readOutputFields } from "../../research/output-fields.ts";
import { readQuestion } from "./question.ts";
import { createReadingProgress, type ReadingProgress } from "../../research/reading-progress.ts";
import { type ReadingTime, startReadingTime } from "../../research/reading-time.ts";
import { countText, describeSync, waitForIndex } from "./wait-for-index.ts";
import { readTask } from "./research-task.ts";
import { warnBeforeRun, warnOfSkipped, warnOfSources } from "./source-warnings.ts";
import { writeAnswer, writeNoAnswer } from "./write-answer.ts";

export interface ExtractiveExecutorOptions {
  db: Database;
  /** The folders of documents, absolute or relative to the working directory; at least one. */
  folders: readonly string[];
  log: Logger;
  /** Without it, `mcp_servers` of a run are not used, and the run carries a warning. */
  openMcpServers?: OpenMcpServers | undefined;
  clock?: Clock;
}

/** The executor that the registry calls `extractive`. */
export const extractive = defineExecutor({
  settings: z.object({ folders: z.array(z.string()).min(1) }),
  create: ({ db, fetchFromRun, log }, { folders }) =>
    createExtractiveExecutor({
      db,
      folders,
      log,
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

/**
 * An executor that answers by quoting folders of documents, without a model. It uses the network only for the MCP
 * servers of a run, whose search results are quoted in the same way. Throws `DocumentFolderUnusable` when a folder is
 * missing; when one disappears later, runs fail with its message.
 */
export async function createExtractiveExecutor({
  db,
  folders,
  log,
  openMcpServers,
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
      fields === null ? 1 : countSearches(fields),
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
    const search = searchAlso(documents, findings.documents);

    const answered =
      schema === null
        ? await answerInText(attempt, search, progress, time)
        : await answerInFields(schema, attempt, search, progress, time);
    return addFindings(answered, findings, [
      ...(await warnOfSources(input, library)),
      ...warnOfSkipped(library.skipped),
      ...(time.wasTooShort ? [warnOfTime(input)] : []),
    ]);
  }

  return {
    key: `extractive:${library.folders.join(",")}`,
    execute,
    warningsFor: (input, sinceMs) => warnBeforeRun(input, sinceMs, library, clock),
    usualSeconds: (processor) => ({ from: 0, to: readingBudget(processor).seconds }),
    close: () => library.close(),
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
  progress: ReadingProgress,
  time: ReadingTime,
): Promise<ExecutionResult> {
  const fields = readOutputFields(schema);
  const { output, warnings, filled } = await fillFields(fields, schema, {
    task: readTask(attempt),
    search,
    time,
    beginSearch: progress.beginSearch,
  });
  await progress.report("result", `Filled ${filled} of ${countSearches(fields)} output fields`);
  return { output, warnings: [NO_MODEL, ...warnings] };
}

async function answerInText(
  attempt: Attempt,
  search: PassageSearch,
  progress: ReadingProgress,
  time: ReadingTime,
): Promise<ExecutionResult> {
  const task = readTask(attempt);
  const budget = readingBudget(attempt.input.processor);
  const observer = await progress.beginSearch(task.asked.join(" "));
  const { evidence } = await findEvidence(readQuestion(task), search, budget, observer, time);
  const quotes = evidence.slice(0, budget.quotes);
  if (quotes.length === 0) {
    await progress.report("result", "No sentence of the documents answers the question");
    const output = writeNoAnswer(search.documentCount);
    const message =
      "The documents contain no answer to this question; nothing was made up instead.";
    return { output, warnings: [NO_MODEL, { type: "warning", message }] };
  }
  const documents = new Set(quotes.map((quote) => quote.document.id)).size;
  await progress.report(
    "result",
    `Quoting ${countText(quotes.length, "sentence")} of ${countText(documents, "document")}`,
  );
  return { output: writeAnswer(quotes), warnings: [NO_MODEL] };
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
      ? "quote the sentences that match the question best"
      : `look for a value of each of ${countText(fields, "output field")}`;
  return `Search ${scope} and ${aim}`;
}
