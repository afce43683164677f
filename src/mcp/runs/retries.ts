import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { asReadable } from "../../task-api/lenient.ts";
import { type TaskRun, isTerminalStatus } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import type { ToolContext } from "../tool.ts";
import { lookAtRun } from "./wait-for-run.ts";

/** The runs of a group that run others again: an input is shown and counted once, by its latest attempt. */
export interface Retries {
  /** How many runs have a later attempt. */
  superseded: number;
  /** The latest attempt at the input of a run that was retried. */
  latestOf(runId: string): LedgerRetry | undefined;
  isRetry(runId: string): boolean;
  /** The latest attempts. */
  latest: readonly LedgerRetry[];
  notes: readonly string[];
}

/** More looks than this take longer than one look at the list. */
const SINGLE_LOOKS = 20;

export async function readRetries(
  taskgroupId: string,
  { ledger }: Backend,
  { log }: Pick<ToolContext, "log">,
): Promise<Retries> {
  try {
    return retriesOf(await ledger.listRetries(taskgroupId), []);
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    log().warn({ err: error, taskgroup_id: taskgroupId }, "retries of a group cannot be looked up");
    return retriesOf(
      [],
      ["This server's record of runs cannot be read: a retried run is counted beside its retry."],
    );
  }
}

function retriesOf(all: readonly LedgerRetry[], notes: readonly string[]): Retries {
  const byRetried = new Map(all.map((retry) => [retry.retryOf, retry]));
  const ids = new Set(all.map(({ runId }) => runId));
  return {
    superseded: byRetried.size,
    latestOf(runId) {
      let latest = byRetried.get(runId);
      // A retry is younger than what it retries, so this ends.
      for (let next = latest; next !== undefined; next = byRetried.get(next.runId)) latest = next;
      return latest;
    },
    isRetry: (runId) => ids.has(runId),
    latest: all.filter(({ runId }) => !byRetried.has(runId)),
    notes,
  };
}

/** The group with its inputs counted once. Only failed runs are retried. */
export function withoutSuperseded(group: TaskGroup, { superseded }: Retries): TaskGroup {
  if (superseded === 0) return group;
  const { num_task_runs: total, task_run_status_counts: counts } = group.status;
  const left = (count: number) => Math.max(0, count - superseded);
  return asReadable(
    {
      ...group,
      status: {
        ...group.status,
        num_task_runs: left(total),
        task_run_status_counts: { ...counts, failed: left(counts["failed"] ?? 0) },
      },
    },
    group,
  );
}

/**
 * Learns from the list how the latest attempts ended that were active when last seen, where single looks would be too
 * many; answers with those it learned of. Rows that the list does not have are read one by one.
 */
export async function refreshRetries(
  { latest }: Retries,
  taskgroupId: string,
  { client, ledger }: Backend,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const learned = new Set<string>();
  const open = new Map(
    latest.flatMap((retry) => (isTerminalStatus(retry.status) ? [] : [[retry.runId, retry]])),
  );
  if (open.size <= SINGLE_LOOKS) return learned;
  const changed: TaskRun[] = [];
  try {
    for await (const event of client.streamGroupRuns(taskgroupId, {}, { signal })) {
      if (event.type !== "task_run.state") continue;
      const { run } = event;
      const retry = open.get(run.run_id);
      if (retry === undefined) continue;
      if (retry.status !== run.status) changed.push(run);
      retry.status = run.status;
      learned.add(run.run_id);
      if (learned.size === open.size) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TaskApiError)) throw error;
  }
  if (changed.length > 0) await ledger.recordAll(changed);
  return learned;
}

/** The newest run that runs a failed one again, as it stands now. What cannot be learned is left out. */
export async function readRetriedAs(
  { run }: RunSnapshot,
  backend: Backend,
  { callerLeft: signal }: Pick<ToolContext, "callerLeft">,
): Promise<LedgerRetry | undefined> {
  if (run.status !== "failed") return undefined;
  try {
    const retry = (await backend.ledger.findRetriedAs([run.run_id])).get(run.run_id);
    if (retry === undefined || isTerminalStatus(retry.status)) return retry;
    const { run: latest } = await lookAtRun(backend, retry.runId, signal);
    return { ...retry, status: latest.status };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LedgerUnavailable || error instanceof TaskApiError) return undefined;
    throw error;
  }
}
