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
 * Writes a run's events: its current state, the progress recorded so far (only the latest of the counts), new events as
 * they come, and at last the state that ends the stream, with the output. A resumed stream has no opening state. In the
 * extended profile the `id` of an event is its number in the log. In the hosted profile the stream of a run that is not
 * active has only its state. Source: Task API, 9.3.
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
    let lastStatus = opening?.status;
    if (opening !== undefined) {
      await write(toStateEvent(opening, opening.status));
      if (profile === "hosted" && endsStream(opening.status, profile)) return;
    }
    let seq = after ?? 0;
    // Read after the run, so the log already has the entry of the opening state. Earlier states need no event of their
    // own.
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
        // The opening state was already written. An ending is written again, because it must be the last event.
        if (seq <= openingSeq && !isEnd) continue;
        lastStatus = event.status;
        const run = await runs.find(runId);
        if (run === undefined) return;
        await write(toStateEvent(run, lastStatus), seq);
        if (isEnd) return;
      }
      if (stream.aborted || feed.closed) return;
      if (windowClosed) {
        const run = await runs.find(runId);
        if (run !== undefined) await write(toStateEvent(run, lastStatus ?? run.status));
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

/** Whether this status ends a stream. A run that waits for an answer continues, except in the hosted API. */
export function endsStream(status: RunStatus, profile: Profile): boolean {
  return profile === "hosted" ? !isActiveStatus(status) : isTerminalStatus(status);
}

/** The run as it was in `status`. It may have changed since; a later error or output must not appear in this event. */
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
