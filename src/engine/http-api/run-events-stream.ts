import type { SSEStreamingApi } from "hono/streaming";
import type { Database } from "../../database/open-database.ts";
import type { ProgressStatsEvent, RunEvent, StateEvent } from "../../task-api/run-event.ts";
import { isTerminalStatus } from "../../task-api/run.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { readEvents } from "../runs/event-log.ts";
import { findRun } from "../runs/read-runs.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import { createWakeup } from "../runs/wakeup.ts";

/** A stream is closed after this time, with a state event, whether or not the run has ended. Source: Task API, 9.3. */
const STREAM_WINDOW_MS = 570_000;
/** Comments that keep idle connections open; proxies commonly cut at 30 or 60 s. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Writes a run's events: the state it is in, the progress recorded so far (of the counts only the latest), then what
 * comes, and at last the terminal state with the output.
 */
export async function writeRunEvents(
  stream: SSEStreamingApi,
  run: RunRecord,
  { db, feed }: { db: Database; feed: ChangeFeed },
): Promise<void> {
  const write = (event: RunEvent) =>
    stream.writeSSE({ event: event.type, data: JSON.stringify(event) });

  const { wake, wait } = createWakeup();
  const unsubscribe = feed.subscribe(run.runId, wake);
  stream.onAbort(wake);
  let windowClosed = false;
  const window = setTimeout(() => {
    windowClosed = true;
    wake();
  }, STREAM_WINDOW_MS);
  const keepAlive = setInterval(() => void stream.write(": keep-alive\n\n"), KEEP_ALIVE_MS);

  try {
    await write(toStateEvent(run));
    let writtenStatus = run.status;
    let seq = 0;
    while (!stream.aborted && !feed.closed) {
      // Read the run before its events: an ending seen here has all its events in the log already.
      const current = await findRun(db, run.runId);
      if (current === undefined) return;
      const { events, lastSeq } = await readProgress(db, run.runId, seq);
      seq = lastSeq;
      for (const event of events) await write(event);
      if (isTerminalStatus(current.status) || windowClosed) {
        await write(toStateEvent(current));
        return;
      }
      if (current.status !== writtenStatus) {
        writtenStatus = current.status;
        await write(toStateEvent(current));
      }
      await wait();
    }
  } finally {
    unsubscribe();
    clearTimeout(window);
    clearInterval(keepAlive);
  }
}

function toStateEvent(run: RunRecord): StateEvent {
  return {
    type: "task_run.state",
    event_id: null,
    input: null,
    run: toTaskRun(run),
    output: run.output,
  };
}

/** The progress after `afterSeq`; counts that newer counts have overtaken are left out. */
async function readProgress(
  db: Database,
  runId: string,
  afterSeq: number,
): Promise<{ events: RunEvent[]; lastSeq: number }> {
  const logged = await readEvents(db, runId, afterSeq);
  const progress = logged.flatMap((entry) => (entry.kind === "progress" ? [entry.event] : []));
  const latestStats = progress.findLast(isStats);
  return {
    events: progress.filter((event) => !isStats(event) || event === latestStats),
    lastSeq: logged.at(-1)?.seq ?? afterSeq,
  };
}

function isStats(event: RunEvent): event is ProgressStatsEvent {
  return event.type === "task_run.progress_stats";
}
