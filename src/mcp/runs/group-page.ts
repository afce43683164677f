import { RunNotFound } from "../../client/errors.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import { type TaskRun, isTerminalStatus, mayHaveResult } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import { isKnownStatus } from "../report/group-report.ts";
import { type ListPage, readListPage } from "./list-pages.ts";
import { type GroupRunState } from "../report/reading/rows.ts";
import { refreshRetries } from "./retries.ts";
import type { SeenGroup } from "./wait-for-group.ts";
import { lookAtRun, withOutput } from "./wait-for-run.ts";

/** Which page of a group's rows to read, and how. */
export interface PageRequest<Item> {
  /** The statuses of the rows; a run in a final status newer than this server counts as completed. */
  statuses: readonly string[];
  cursor: string | undefined;
  limit: number;
  budget: number;
  itemOf: (found: GroupRunState) => { item: Item; weight: number };
  signal: AbortSignal;
  /** Whether the ledger keeps what is read: not of an export, where ten thousand writes would take minutes. */
  isRecorded: boolean;
}

/**
 * A page of the inputs whose latest attempt is in one of the statuses, in the order of the inputs. A list of a group
 * without retries is filtered by the backend; else a run that was retried is shown by its latest attempt, which is looked
 * up for the rows of the page alone.
 */
export async function readGroupPage<Item>(
  { group, retries }: SeenGroup,
  backend: Backend,
  { statuses, cursor, limit, budget, itemOf, signal, isRecorded }: PageRequest<Item>,
): Promise<ListPage<Item>> {
  const { client, ledger } = backend;
  const { taskgroup_id: taskgroupId } = group;
  const [status, ...others] = statuses;
  const isCompletedAsked = statuses.includes("completed");
  const isFiltered =
    retries.superseded === 0 &&
    others.length === 0 &&
    // A status that is newer than this server cannot be asked for together with another.
    !(isCompletedAsked && newerStatuses(group).length > 0);
  const query = {
    ...(isFiltered && status !== undefined && { status }),
    includeInput: true,
    includeOutput: isCompletedAsked,
  };
  const learned = await refreshRetries(retries, taskgroupId, backend, signal);
  return readListPage(
    (lastEventId) =>
      client.streamGroupRuns(
        taskgroupId,
        { ...query, ...(lastEventId !== undefined && { lastEventId }) },
        { signal },
      ),
    {
      limit,
      budget,
      cursor,
      expected: countRows(group, statuses),
      find,
      itemOf,
      async onShown(found) {
        if (!isRecorded || found.length === 0) return;
        const rows = found.map(({ run, output }) => ({ run, output: output ?? null }));
        await ledger.recordRows(rows);
      },
    },
  );

  async function find(state: GroupRunState): Promise<GroupRunState | null> {
    const { run } = state;
    if ((run.taskgroup_id ?? taskgroupId) !== taskgroupId) return null;
    // Shown in the place of the run that it runs again.
    if (retries.isRetry(run.run_id)) return null;
    const retry = retries.latestOf(run.run_id);
    if (retry === undefined) return isMeant(run) ? state : null;
    const isKnown = isTerminalStatus(retry.status) || learned.has(retry.runId);
    if (isKnown && isKnownStatus(retry.status) && !statuses.includes(retry.status)) return null;
    const latest = await lookAt(retry);
    return isMeant(latest.run) ? { ...state, ...latest } : null;
  }

  function isMeant(run: TaskRun): boolean {
    return statuses.includes(run.status) || (isCompletedAsked && mayHaveResult(run));
  }

  async function lookAt({ runId, status: lastSeen }: LedgerRetry) {
    try {
      const seen = await lookAtRun(backend, runId, signal);
      const { run, output } = isCompletedAsked
        ? await withOutput(backend, runId, seen, signal)
        : seen;
      return { run, output };
    } catch (error) {
      if (!(error instanceof RunNotFound)) throw error;
      // The backend no longer has it; how it ended may be known here.
      return {
        run: { run_id: runId, status: lastSeen, is_active: false, processor: "" },
        output: null,
      };
    }
  }
}

function newerStatuses({ status }: TaskGroup): string[] {
  return Object.keys(status.task_run_status_counts).filter((name) => !isKnownStatus(name));
}

/** How many rows there must be at least; null when the group does not tell. */
export function countRows(group: TaskGroup, statuses: readonly string[]): number | null {
  const isTold = unreadableOf(group).every((path) => !path.startsWith("status"));
  if (!isTold) return null;
  const { task_run_status_counts: counts, is_active: isActive } = group.status;
  // While something is active, a newer status may be that of an active run.
  const newer = statuses.includes("completed") && !isActive ? newerStatuses(group) : [];
  return [...statuses, ...newer].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
