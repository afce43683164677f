import type { Logger } from "pino";
import { z } from "zod";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { requestedOutput } from "../../../task-api/task-spec.ts";
import { cutText } from "../../../text/cut-text.ts";
import { readingBudget } from "../../research/budgets.ts";
import type { EvidenceStore } from "../../research/evidence-store.ts";
import { readOutputFields } from "../../research/output-fields.ts";
import { createReadingProgress, type ReadingProgress } from "../../research/reading-progress.ts";
import type { SubmissionStore } from "../../runs/submissions.ts";
import {
  type DocumentLibrary,
  openDocumentLibrary,
} from "../../sources/folder/document-library.ts";
import type { DocumentPassage, PassageSearch, SearchQuery } from "../../sources/source.ts";
import { splitIdentifier } from "../../sources/text/words.ts";
import {
  ActionRequired,
  type Attempt,
  defineExecutor,
  ExecutionFailed,
  type ExecutionResult,
  type Executor,
  type ExecutorDeps,
} from "../executor.ts";
import { readTask } from "../documents/research-task.ts";
import { warnBeforeRun, warnOfSources, warnOfUnread } from "../documents/source-warnings.ts";
import { countText, describeSync, waitForIndex } from "../documents/wait-for-index.ts";
import { queryBudget } from "./limits.ts";

/** Long enough for an agent that asks its user, short enough that a lost agent is noticed. */
const DEFAULT_MINUTES = 15;

export interface HostExecutorOptions {
  library: DocumentLibrary;
  evidence: EvidenceStore;
  submissions: Pick<SubmissionStore, "find">;
  /** How long a run waits for its answer. */
  answerMinutes?: number | undefined;
  clock?: Clock;
}

/** The executor that the registry calls `host`. */
export const host = defineExecutor({
  settings: z.object({
    folders: z.array(z.string()).min(1),
    answerMinutes: z.number().positive().optional(),
  }),
  create: async ({ db, evidence, submissions, log }: ExecutorDeps & { log: Logger }, settings) =>
    createHostExecutor({
      library: await openDocumentLibrary(db, settings.folders, log),
      evidence,
      submissions,
      answerMinutes: settings.answerMinutes,
    }),
});

const BY_AGENT: RunWarning = {
  type: "warning",
  message:
    "The answer was written by the agent that submitted it; its citations were verified in the documents.",
};

const NO_MCP: RunWarning = {
  type: "warning",
  message: "mcp_servers were not asked: the evidence of this executor is from documents only.",
};

/**
 * An executor whose model is the calling agent: it gathers evidence from folders of documents, waits for an answer, and
 * completes with the answer that was accepted. The library is its own from now on.
 */
export function createHostExecutor({
  library,
  evidence,
  submissions,
  answerMinutes = DEFAULT_MINUTES,
  clock = systemClock,
}: HostExecutorOptions): Executor {
  async function execute(attempt: Attempt): Promise<ExecutionResult> {
    const { runId, input } = attempt;
    const submission = await submissions.find(runId);
    if (submission !== undefined && submission.output !== null) {
      const warnings = await warnOfSources(input, library);
      return {
        output: submission.output,
        warnings: [
          BY_AGENT,
          ...warnings,
          ...warnOfUnread(library.unread),
          ...(input.mcp_servers?.length ? [NO_MCP] : []),
        ],
      };
    }
    const further = submission?.queries ?? [];
    const queries = further.length > 0 ? further.map((text) => ({ text })) : planQueries(attempt);
    const progress = createReadingProgress(attempt, queries.length, clock);
    await progress.report("exec_status", "Starting research");
    const counts = await waitForIndex(library, attempt, progress, clock);
    await progress.report("exec_status", describeSync(counts));
    const search = await library.passages(input.source_policy);
    const found = await gather(queries, search, progress);
    await evidence.keep(runId, found, search);
    const { total } = await evidence.hits(runId, { offset: 0, limit: 0 });
    await progress.report("result", `Found ${countText(total, "passage")} of evidence`);
    const canAsk = further.length < queryBudget(input.processor);
    if (total === 0 && !canAsk) {
      throw new ExecutionFailed(
        "No document has a word of the question, so there is no evidence to answer from. Ask in the words and the language of the documents.",
      );
    }
    throw new ActionRequired(describeAction(attempt, total), {
      deadlineSeconds: answerMinutes * 60,
      takesAnswer: true,
    });
  }

  return {
    key: `host:${library.folders.join(",")}`,
    execute,
    warningsFor: (input, sinceMs) => warnBeforeRun(input, sinceMs, library, clock),
    usualSeconds: (processor) => ({ from: 0, to: readingBudget(processor).seconds }),
    close: () => library.close(),
  };
}

/** The question, and the question with each output field. */
function planQueries(attempt: Attempt): SearchQuery[] {
  const { asked, hints } = readTask(attempt);
  const text = asked.join("\n");
  const output = requestedOutput(attempt.input.task_spec);
  const fields = output.type === "json" ? readOutputFields(output.jsonSchema) : [];
  return [
    { text, hints: hints.join(" ") },
    ...fields.slice(0, queryBudget(attempt.input.processor)).map(({ name, description }) => ({
      text: `${text}\n${splitIdentifier(name)}`,
      hints: description,
    })),
  ];
}

/** What one attempt adds to the evidence: some pages of text, and room for what further queries find. */
const MAX_PASSAGES = 40;

/** The best of each query first, so that no field is without evidence; then what else the question has found. */
const BEST_OF_QUERY = 5;

async function gather(
  queries: readonly SearchQuery[],
  search: PassageSearch,
  progress: ReadingProgress,
): Promise<DocumentPassage[]> {
  const rankings: DocumentPassage[][] = [];
  for (const [index, query] of queries.entries()) {
    const observer = await progress.beginSearch(query.text.replaceAll("\n", " "));
    const { passages, documentIds } = await search.search(query, MAX_PASSAGES);
    observer.matched(documentIds);
    const documents = new Map(passages.map(({ document }) => [document.id, document]));
    for (const document of documents.values()) {
      await observer.read(document, (index + 1) / queries.length);
    }
    rankings.push([...passages]);
  }
  const best = rankings.flatMap((passages) => passages.slice(0, BEST_OF_QUERY));
  const all = new Map(
    [...best, ...rankings.flat()].map((passage) => [
      `${passage.document.id}.${passage.position}`,
      passage,
    ]),
  );
  return [...all.values()].slice(0, Math.max(MAX_PASSAGES, best.length));
}

function describeAction(attempt: Attempt, total: number): string {
  const question = cutText(readTask(attempt).asked.join(" "), 500);
  return total === 0
    ? `No passage was found for this question; search with other words: ${question}`
    : `Answer from the ${countText(total, "passage")} of evidence: ${question}`;
}
