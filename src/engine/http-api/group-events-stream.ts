import type { SSEStreamingApi } from "hono/streaming";
import type { StateEvent } from "../../task-api/run-event.ts";
import type { TaskGroupEvent } from "../../task-api/task-group.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { GroupRecord, GroupTransition } from "../runs/group-store.ts";
import { createNotifier } from "../runs/notifier.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import { type StreamPlace, runEventId, statusEventId } from "./group-event-ids.ts";
import type { PollThrottle } from "./poll-throttle.ts";

export interface GroupEventsContext {
  runs: RunStore;
  clock: Clock;
  /** Shared by all watchers. */
  throttlePolls: PollThrottle;
}

/**
 * Every change of any run wakes every stream, and the runs of a large group end faster than a client reads. So an idle
 * stream polls at once after a change, and a busy one at most this often.
 */
const POLL_INTERVAL_MS = 50;

/** Runs are read in pages, because a slow reader takes its time over each. */
const RUNS_PER_PAGE = 100;

/** What one poll found. */
interface GroupChanges {
  group: GroupRecord;
  transitions: GroupTransition[];
  statusChanged: boolean;
}

/**
 * Writes what happens in a group after `place`: each run that stops being active, in order, and the status of the group
 * whenever it has changed. Ends when no run of the group is active any more, or after `timeoutMs`. Source: Task API,
 * 10.6.
 */
export async function writeGroupEvents(
  stream: SSEStreamingApi,
  { tenantId, taskgroupId }: { tenantId: string; taskgroupId: string },
  { place, timeoutMs }: { place: StreamPlace; timeoutMs: number },
  { runs, clock, throttlePolls }: GroupEventsContext,
): Promise<void> {
  const { notify, wait } = createNotifier();
  const { changes: feed, groups } = runs;
  const unsubscribe = feed.subscribeToAll(notify);
  stream.onAbort(notify);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    notify();
  }, timeoutMs);
  const isOver = () => stream.aborted || feed.closed;

  let { after, statusSent } = place;
  /** Null until the first poll. */
  let isActive: boolean | null = null;

  async function findChanges(): Promise<GroupChanges | null> {
    // When only other groups have changed, skip their events without counting this group.
    if (isActive !== null) {
      const upTo = await groups.lastPosition();
      if (!(await groups.hasChanged(taskgroupId, { after, upTo }))) {
        after = upTo;
        return null;
      }
    }
    const group = await groups.find(tenantId, taskgroupId);
    if (group === undefined) return null;
    const range = { after, upTo: group.position };
    return {
      group,
      transitions: await groups.readTransitions(taskgroupId, range),
      statusChanged: !statusSent || (await groups.hasChanged(taskgroupId, range)),
    };
  }

  async function writeChanges({ group, transitions, statusChanged }: GroupChanges): Promise<void> {
    for (let start = 0; start < transitions.length; start += RUNS_PER_PAGE) {
      // A status event means that everything before it was sent, so do not write one after a partial page.
      if (isOver()) return;
      const page = transitions.slice(start, start + RUNS_PER_PAGE);
      const runIds = page.map(({ runId }) => runId);
      const found = await runs.findMany(runIds, { withOutput: false });
      for (const transition of page) {
        const run = found.get(transition.runId);
        if (run !== undefined) await write(toStateEvent(run, transition));
      }
    }
    after = group.position;
    isActive = group.status.is_active;
    if (!statusChanged) return;
    statusSent = true;
    const { status } = group;
    await write({ type: "task_group_status", event_id: statusEventId(after), status });
  }

  const write = (event: TaskGroupEvent) =>
    stream.writeSSE({ event: event.type, data: JSON.stringify(event) });

  try {
    for (;;) {
      const changes = await throttlePolls(async () => (isOver() ? null : findChanges()));
      if (changes !== null) await writeChanges(changes);
      if (isActive !== true || timedOut || isOver()) return;
      await clock.sleep(POLL_INTERVAL_MS);
      await wait();
    }
  } finally {
    unsubscribe();
    clearTimeout(timer);
  }
}

/** The run as it was at the transition: one that waited for an answer may have gone on since. */
function toStateEvent(run: RunRecord, { eventId, status, at }: GroupTransition): StateEvent {
  const then: RunRecord =
    run.status === status ? run : { ...run, status, modifiedAt: at, error: null };
  return {
    type: "task_run.state",
    event_id: runEventId(eventId),
    input: null,
    run: toTaskRun(then),
    output: null,
  };
}
