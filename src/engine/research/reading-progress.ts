import type { ProgressEvent } from "../../task-api/run-event.ts";
import { cleanLine } from "../../text/clean-text.ts";
import type { Clock } from "../../runtime/clock.ts";
import { yieldToEventLoop } from "../../runtime/event-loop.ts";

/** How many source addresses an event shows. */
const SAMPLE_SIZE = 10;

/** The meter while documents are searched; preparing the index comes before, writing the answer after. */
const READING_FROM = 10;
const READING_TO = 95;
/** The meter at the end of indexing that takes long enough to be reported: then it is most of the work. */
const INDEXING_TO = 60;

/** A search reads a hundred documents in a second, and a user cannot follow statistics that change faster. */
const STATS_EVERY_MS = 25;

/** Kinds of progress messages of the API that executors send. */
export type MessageKind = "exec_status" | "plan" | "search" | "tool_call" | "result";

/** The receiver of an attempt's progress: an `Attempt` is one. */
export interface ProgressSink {
  /** Aborts when the run is cancelled, the lease is lost, or the process is about to end. */
  readonly signal: AbortSignal;
  /** Appends a progress event to the run's event log. */
  report(event: ProgressEvent): Promise<void>;
}

/** Follows one search, so that its progress is reported while it reads. */
export interface ReadingObserver {
  matched(documentIds: readonly number[]): void;
  /** Awaited after each document, with the share of this search that is done. */
  read(document: { id: number; url: string }, share: number): Promise<void>;
}

/** Reports what has really been matched and read so far; every step stops a cancelled run. */
export interface ReadingProgress {
  report(kind: MessageKind, message: string): Promise<void>;
  /** How many of the documents that are new to the index were read. */
  reportIndexing(documents: { done: number; total: number }): Promise<void>;
  /** Begins the next of the planned searches. */
  beginSearch(query: string): Promise<ReadingObserver>;
}

/** Queries are shown, not replayed; a 20,000-character question need not be stored in each event. */
const MAX_QUERY_CHARS = 200;

export function createReadingProgress(
  { report: append, signal }: ProgressSink,
  searches: number,
  clock: Clock,
): ReadingProgress {
  const matched = new Set<number>();
  const read = new Map<number, string>();
  let begun = 0;
  let readingFrom = READING_FROM;
  let indexed = 0;
  let pendingStats: ProgressEvent | null = null;
  let statsReportedMs = -Infinity;

  async function report(kind: MessageKind, message: string): Promise<void> {
    signal.throwIfAborted();
    await reportStats();
    await append({ type: `task_run.progress_msg.${kind}`, message });
    await yieldToEventLoop();
    signal.throwIfAborted();
  }

  async function reportStats(): Promise<void> {
    if (pendingStats === null) return;
    const stats = pendingStats;
    pendingStats = null;
    statsReportedMs = clock.elapsedMs();
    await append(stats);
  }

  async function reportIndexing({ done, total }: { done: number; total: number }): Promise<void> {
    readingFrom = INDEXING_TO;
    // A second pass over the folders counts from zero.
    indexed = Math.max(indexed, Math.floor((done / total) * INDEXING_TO));
    pendingStats = {
      type: "task_run.progress_stats",
      progress_meter: indexed,
      source_stats: null,
    };
    const inWords = (count: number) => count.toLocaleString("en-US");
    await report("exec_status", `Indexing: ${inWords(done)} of ${inWords(total)} documents read`);
  }

  async function beginSearch(query: string): Promise<ReadingObserver> {
    const done = begun;
    begun += 1;
    await report("search", `Query: ${cleanLine(query, MAX_QUERY_CHARS)}`);
    return {
      matched: (documentIds) => {
        for (const id of documentIds) matched.add(id);
      },
      read: async (document, share) => {
        signal.throwIfAborted();
        read.set(document.id, document.url);
        const part = (done + share) / searches;
        pendingStats = {
          type: "task_run.progress_stats",
          progress_meter: Math.round(readingFrom + part * (READING_TO - readingFrom)),
          source_stats: {
            num_sources_considered: matched.size,
            num_sources_read: read.size,
            sources_read_sample: [...new Set(read.values())].slice(-SAMPLE_SIZE),
          },
        };
        if (clock.elapsedMs() - statsReportedMs >= STATS_EVERY_MS) await reportStats();
        await yieldToEventLoop();
        signal.throwIfAborted();
      },
    };
  }

  return { report, reportIndexing, beginSearch };
}
