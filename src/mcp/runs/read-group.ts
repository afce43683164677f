import { RunNotFound } from "../../client/errors.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import { type TaskRun, isTerminalStatus, mayHaveResult } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { isKnownStatus } from "../report/group-report.ts";
import { type ListPage, readListPage } from "./list-pages.ts";
import { type GroupRunState } from "../report/reading/rows.ts";
import type { OpenCall } from "./call-context.ts";
import { createGroupObserver } from "./observe-progress.ts";
import { readRun } from "./read-run.ts";
import { type Retries, readRetries, refreshRetries, withoutSuperseded } from "./retries.ts";
import { finalRead, watchUntil } from "./watch-until.ts";

/** A group as it was read, each input counted once. */
export interface ReadGroup {
  group: TaskGroup;
  retries: Retries;
  /** Why the group may be further than this; null when it was read just now. */
  staleReason: string | null;
}

/**
 * Reads a group, at once or (with `waitSeconds`) when none of its runs is active any more. A caller that leaves only ends
 * the waiting. Throws what the client throws, and the caller's abort reason.
 */
export async function readGroup(
  taskgroupId: string,
  { waitSeconds }: { waitSeconds: number },
  call: OpenCall,
): Promise<ReadGroup> {
  const { client, groupFollowers } = call.backend;
  const { clock, signal, shutdownSignal, startProgress } = call;
  const readNow = async (ending: AbortSignal) => {
    const group = await client.retrieveGroup(taskgroupId, { signal: ending });
    return { group, staleReason: null };
  };
  if (waitSeconds === 0) return withRetries(await readNow(signal));
  const known = await readRetries(taskgroupId, call);
  const countOnce = ({ group }: { group: TaskGroup }) => withoutSuperseded(group, known);
  const observe = createGroupObserver(clock);
  const latest = await watchUntil(waitSeconds, {
    clock,
    signal,
    shutdownSignal,
    progress: startProgress(`Group ${taskgroupId}`),
    watch: (ending) => groupFollowers.watch(taskgroupId, { signal: ending }),
    observe: (snapshot) => observe(countOnce(snapshot)),
    isEnded: (snapshot) => !countOnce(snapshot).status.is_active,
  });
  return withRetries(latest ?? (await finalRead({ clock, signal }, readNow)));

  async function withRetries({
    group,
    staleReason,
  }: {
    group: TaskGroup;
    staleReason: string | null;
  }): Promise<ReadGroup> {
    // Read again: more runs may have been retried during the wait.
    const retries = await readRetries(taskgroupId, call);
    return { group: withoutSuperseded(group, retries), retries, staleReason };
  }
}

/** Which page of a group's rows to read, and how. */
export interface PageRequest<Item> {
  /** The statuses of the rows; a run in a final status newer than this server counts as completed. */
  statuses: readonly string[];
  cursor: string | undefined;
  limit: number;
  budget: number;
  itemOf: (found: GroupRunState) => { item: Item; weight: number };
  /** Whether the rows are recorded in the ledger: not those of an export, where ten thousand writes would take minutes. */
  isRecorded: boolean;
}

/**
 * Reads a page of the inputs whose latest attempt has one of the statuses, in the order of the inputs. The backend
 * filters the list of a group without retries. Otherwise a run that was retried is shown by its latest attempt, which
 * is read only for the rows of the page.
 */
export async function readGroupPage<Item>(
  { group, retries }: ReadGroup,
  { statuses, cursor, limit, budget, itemOf, isRecorded }: PageRequest<Item>,
  call: OpenCall,
): Promise<ListPage<Item>> {
  const { backend, signal } = call;
  const { client, ledger } = backend;
  const { taskgroup_id: taskgroupId } = group;
  const [status, ...others] = statuses;
  const isCompletedAsked = statuses.includes("completed");
  const isFiltered =
    retries.superseded === 0 &&
    others.length === 0 &&
    // The backend filters by one status only, so newer statuses cannot be requested as well.
    !(isCompletedAsked && newerStatuses(group).length > 0);
  const query = {
    ...(isFiltered && status !== undefined && { status }),
    includeInput: true,
    includeOutput: isCompletedAsked,
  };
  const refreshed = await refreshRetries(retries, taskgroupId, call);
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
    // A retry is shown instead of the run that it retries.
    if (retries.isRetry(run.run_id)) return null;
    const retry = retries.latestOf(run.run_id);
    if (retry === undefined) return isMeant(run) ? state : null;
    const isKnown = isTerminalStatus(retry.status) || refreshed.has(retry.runId);
    if (isKnown && isKnownStatus(retry.status) && !statuses.includes(retry.status)) return null;
    const latest = await readLatest(retry);
    return isMeant(latest.run) ? { ...state, ...latest } : null;
  }

  function isMeant(run: TaskRun): boolean {
    return statuses.includes(run.status) || (isCompletedAsked && mayHaveResult(run));
  }

  async function readLatest({ runId, status: lastStatus }: LedgerRetry) {
    try {
      const include = isCompletedAsked ? "output" : "state";
      const { run, output } = (await readRun(runId, { include }, call)).seen;
      return { run, output };
    } catch (error) {
      if (!(error instanceof RunNotFound)) throw error;
      // The backend no longer has it; the ledger knows how it ended.
      return {
        run: { run_id: runId, status: lastStatus, is_active: false, processor: "" },
        output: null,
      };
    }
  }
}

function newerStatuses({ status }: TaskGroup): string[] {
  return Object.keys(status.task_run_status_counts).filter((name) => !isKnownStatus(name));
}

/** The least number of rows; null when the group's status could not be read. */
export function countRows(group: TaskGroup, statuses: readonly string[]): number | null {
  const isReadable = unreadableOf(group).every((path) => !path.startsWith("status"));
  if (!isReadable) return null;
  const { task_run_status_counts: counts, is_active: isActive } = group.status;
  // While something is active, a newer status may be that of an active run.
  const newer = statuses.includes("completed") && !isActive ? newerStatuses(group) : [];
  return [...statuses, ...newer].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
