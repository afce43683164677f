import type { ProgressEvent } from "../../task-api/run-event.ts";
import { cleanLine } from "../../text/clean-text.ts";
import type { Clock } from "../../runtime/clock.ts";
import { yieldTurn } from "../../runtime/event-loop.ts";
import type { Attempt } from "../executors/executor.ts";
import type { ReadingObserver } from "../executors/extractive/find-evidence.ts";

/** How many source addresses an event shows. */
const SAMPLE_SIZE = 10;

/** The meter while documents are searched; preparing the index comes before, writing the answer after. */
const READING_FROM = 10;
const READING_TO = 95;
/** The end of an index that takes long enough to be told of: then it is most of the work. */
const INDEXING_TO = 60;

/** How often statistics are worth an event: nobody sees more of them, and a search reads a hundred documents. */
const STATS_EVERY_MS = 25;

/** Kinds of progress messages of the API that this executor sends. */
export type MessageKind = "exec_status" | "plan" | "search" | "tool_call" | "result";

/** Reports what has really been matched and read so far; every step stops a cancelled run. */
export interface ReadingProgress {
  tell(kind: MessageKind, message: string): Promise<void>;
  /** How many of the documents that are new to the index were read. */
  tellIndexing(documents: { done: number; total: number }): Promise<void>;
  /** Begins the next of the planned searches. */
  beginSearch(query: string): Promise<ReadingObserver>;
}

/** Queries are shown, not replayed; a 20,000-character question need not be stored in each event. */
const MAX_QUERY_CHARS = 200;

export function createReadingProgress(
  { report, signal }: Pick<Attempt, "report" | "signal">,
  searches: number,
  clock: Clock,
): ReadingProgress {
  const matched = new Set<number>();
  const read = new Map<number, string>();
  let begun = 0;
  let readingFrom = READING_FROM;
  let indexed = 0;
  let untoldStats: ProgressEvent | null = null;
  let statsToldMs = -Infinity;

  async function tell(kind: MessageKind, message: string): Promise<void> {
    signal.throwIfAborted();
    await tellStats();
    await report({ type: `task_run.progress_msg.${kind}`, message });
    await yieldTurn();
    signal.throwIfAborted();
  }

  async function tellStats(): Promise<void> {
    if (untoldStats === null) return;
    const stats = untoldStats;
    untoldStats = null;
    statsToldMs = clock.elapsedMs();
    await report(stats);
  }

  async function tellIndexing({ done, total }: { done: number; total: number }): Promise<void> {
    readingFrom = INDEXING_TO;
    // A second look at the folders counts from zero.
    indexed = Math.max(indexed, Math.floor((done / total) * INDEXING_TO));
    untoldStats = {
      type: "task_run.progress_stats",
      progress_meter: indexed,
      source_stats: null,
    };
    const inWords = (count: number) => count.toLocaleString("en-US");
    await tell("exec_status", `Indexing: ${inWords(done)} of ${inWords(total)} documents read`);
  }

  async function beginSearch(query: string): Promise<ReadingObserver> {
    const done = begun;
    begun += 1;
    await tell("search", `Query: ${cleanLine(query, MAX_QUERY_CHARS)}`);
    return {
      matched: (documentIds) => {
        for (const id of documentIds) matched.add(id);
      },
      read: async (document, share) => {
        signal.throwIfAborted();
        read.set(document.id, document.url);
        const part = (done + share) / searches;
        untoldStats = {
          type: "task_run.progress_stats",
          progress_meter: Math.round(readingFrom + part * (READING_TO - readingFrom)),
          source_stats: {
            num_sources_considered: matched.size,
            num_sources_read: read.size,
            sources_read_sample: [...new Set(read.values())].slice(-SAMPLE_SIZE),
          },
        };
        if (clock.elapsedMs() - statsToldMs >= STATS_EVERY_MS) await tellStats();
        await yieldTurn();
        signal.throwIfAborted();
      },
    };
  }

  return { tell, tellIndexing, beginSearch };
}
