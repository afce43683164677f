import type { SSEStreamingApi } from "hono/streaming";
import type { StateEvent } from "../../task-api/run-event.ts";
import type { RunStatus } from "../../task-api/run.ts";
import { toTaskRun } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import { runEventId } from "./group-event-ids.ts";
import { withoutSecrets } from "./run-routes.ts";

export interface GroupRunsQuery {
  /** The first event of the last run that the caller has. */
  after: number;
  status?: RunStatus | undefined;
  includeInput: boolean;
  includeOutput: boolean;
}

/** Runs are read in pages: with their outputs they may be large, and a slow reader takes its time over each. */
const RUNS_PER_PAGE = 50;

/**
 * Writes one event for each run that is in the group now, in the order they were created, and waits for none of them.
 * Source: Task API, 10.5.
 */
export async function writeGroupRuns(
  stream: SSEStreamingApi,
  taskgroupId: string,
  { after, status, includeInput, includeOutput }: GroupRunsQuery,
  runs: RunStore,
): Promise<void> {
  const upTo = await runs.groups.lastPosition();
  let place = after;
  for (;;) {
    if (stream.aborted || runs.changes.closed) return;
    const range = { after: place, upTo };
    const page = await runs.groups.listMembers(taskgroupId, {
      ...range,
      status,
      limit: RUNS_PER_PAGE,
    });
    const found = await runs.findMany(
      page.map(({ runId }) => runId),
      { withOutput: includeOutput },
    );
    for (const { runId, firstEventId } of page) {
      const run = found.get(runId);
      // Removed, or moved on to another status, since the runs were listed.
      if (run === undefined || (status !== undefined && run.status !== status)) continue;
      const event: StateEvent = {
        type: "task_run.state",
        event_id: runEventId(firstEventId),
        input: includeInput ? withoutSecrets(run.input) : null,
        run: toTaskRun(run),
        output: run.output,
      };
      await stream.writeSSE({ event: event.type, data: JSON.stringify(event) });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < RUNS_PER_PAGE) return;
    place = last.firstEventId;
  }
}
