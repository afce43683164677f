import type { SSEStreamingApi } from "hono/streaming";
import type { RunEvent, StateEvent } from "../../task-api/run-event.ts";
import { type RunStatus, isActiveStatus, isTerminalStatus } from "../../task-api/run.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import type { LoggedEvent, RunStore } from "../runs/run-store.ts";
import { createNotifier } from "../runs/notifier.ts";
import type { ApiLimits } from "./limits.ts";
import type { Profile } from "./profile.ts";

export interface RunEventsRequest {
  runId: string;
  /** The stream continues after this event of the log; null: it begins. */
  after: number | null;
  profile: Profile;
}

/**
 * Writes a run's events: the state it is in, the progress recorded so far (of the counts only the latest), then what
 * comes, and at last the state that ends the stream, with the output. A stream that continues has no opening state. In
 * the extended profile events carry their number in the log as `id`. In the hosted profile a run that is not active
 * has nothing but its state. Source: Task API, 9.3.
 */
export async function writeRunEvents(
  stream: SSEStreamingApi,
  { runId, after, profile }: RunEventsRequest,
  { runs, limits }: { runs: RunStore; limits: ApiLimits },
): Promise<void> {
  const { notify, wait } = createNotifier();
  const feed = runs.changes;
  const unsubscribe = feed.subscribe(runId, notify);
  stream.onAbort(notify);
  let windowClosed = false;
  const window = setTimeout(() => {
    windowClosed = true;
    notify();
  }, limits.streamWindowMs);

  async function write(event: RunEvent, seq?: number): Promise<void> {
    const hasId = seq !== undefined && profile === "extended";
    await stream.writeSSE({
      event: event.type,
      data: JSON.stringify(event),
      ...(hasId && { id: String(seq) }),
    });
  }

  try {
    const opening = after === null ? await runs.find(runId) : undefined;
    let told = opening?.status;
    if (opening !== undefined) {
      await write(toStateEvent(opening, opening.status));
      if (profile === "hosted" && endsStream(opening.status, profile)) return;
    }
    let seq = after ?? 0;
    // Read after the run: the entry of its state is among them, and the states before that are told by it.
    let events = await runs.readEvents(runId, seq);
    const openingSeq = events.findLast(isStateOf(opening?.status))?.seq ?? 0;

    for (;;) {
      for (const event of withoutOvertaken(events)) {
        if (stream.aborted) return;
        seq = event.seq;
        if (event.kind === "progress") {
          await write(event.event, seq);
          continue;
        }
        const isEnd = endsStream(event.status, profile);
        // Told at the beginning; the end is told once more, because it comes last.
        if (seq <= openingSeq && !isEnd) continue;
        told = event.status;
        const run = await runs.find(runId);
        if (run === undefined) return;
        await write(toStateEvent(run, told), seq);
        if (isEnd) return;
      }
      if (stream.aborted || feed.closed) return;
      if (windowClosed) {
        const run = await runs.find(runId);
        if (run !== undefined) await write(toStateEvent(run, told ?? run.status));
        return;
      }
      await wait();
      if (stream.aborted || feed.closed) return;
      events = await runs.readEvents(runId, seq);
    }
  } finally {
    unsubscribe();
    clearTimeout(window);
  }
}

/** Whether nothing follows this status in a stream. A run that waits for an answer goes on, except in the hosted API. */
export function endsStream(status: RunStatus, profile: Profile): boolean {
  return profile === "hosted" ? !isActiveStatus(status) : isTerminalStatus(status);
}

/** The run as it was in `status`: it may have gone on since, and what came later is not told before its time. */
function toStateEvent(run: RunRecord, status: RunStatus): StateEvent {
  const then = run.status === status ? run : { ...run, status, error: null, output: null };
  return {
    type: "task_run.state",
    event_id: null,
    input: null,
    run: toTaskRun(then),
    output: then.output,
  };
}

/** Counts that newer counts have overtaken are left out. */
function withoutOvertaken(events: readonly LoggedEvent[]): LoggedEvent[] {
  const latestStats = events.findLast(isStats);
  return events.filter((event) => !isStats(event) || event === latestStats);
}

function isStats(event: LoggedEvent): boolean {
  return event.kind === "progress" && event.event.type === "task_run.progress_stats";
}

function isStateOf(status: RunStatus | undefined): (event: LoggedEvent) => boolean {
  return (event) => event.kind === "state" && event.status === status;
}
