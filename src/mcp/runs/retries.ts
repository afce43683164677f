import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { asReadable } from "../../task-api/lenient.ts";
import { type RunInput, UndisputedRunInput } from "../../task-api/run-input.ts";
import { type TaskRun, isTerminalStatus } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { type ArgumentProblem, InvalidArguments } from "../arguments/argument-problems.ts";
import { oneLine } from "../report/text.ts";
import type { OpenCall } from "./call-context.ts";
import { type ReadRunContext, readRun } from "./read-run.ts";

/** The retries in a group: an input is shown and counted once, by its latest attempt. */
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

/** More single reads than this take longer than reading the list. */
const MAX_SINGLE_READS = 20;

export async function readRetries(
  taskgroupId: string,
  { backend: { ledger }, log }: Pick<OpenCall, "backend" | "log">,
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
 * Reads the list of the group for the latest attempts that were active when last seen, if they are too many to be read one
 * by one. Returns the ids of the runs it found; the caller reads the others when it needs them.
 */
export async function refreshRetries(
  { latest }: Retries,
  taskgroupId: string,
  { backend: { client, ledger }, signal }: Pick<OpenCall, "backend" | "signal">,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const open = new Map(
    latest.flatMap((retry) => (isTerminalStatus(retry.status) ? [] : [[retry.runId, retry]])),
  );
  if (open.size <= MAX_SINGLE_READS) return found;
  const changed: TaskRun[] = [];
  try {
    for await (const event of client.streamGroupRuns(taskgroupId, {}, { signal })) {
      if (event.type !== "task_run.state") continue;
      const { run } = event;
      const retry = open.get(run.run_id);
      if (retry === undefined) continue;
      if (retry.status !== run.status) changed.push(run);
      retry.status = run.status;
      found.add(run.run_id);
      if (found.size === open.size) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TaskApiError)) throw error;
  }
  if (changed.length > 0) await ledger.recordAll(changed);
  return found;
}

/** The newest retry of a failed run, with its present status; undefined where there is none or it cannot be read. */
export async function readRetriedAs(
  { run }: RunSnapshot,
  call: ReadRunContext,
): Promise<LedgerRetry | undefined> {
  if (run.status !== "failed") return undefined;
  try {
    const retry = (await call.backend.ledger.findRetriedAs([run.run_id])).get(run.run_id);
    if (retry === undefined || isTerminalStatus(retry.status)) return retry;
    const { seen } = await readRun(retry.runId, {}, call);
    return { ...retry, status: seen.run.status };
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof LedgerUnavailable || error instanceof TaskApiError) return undefined;
    throw error;
  }
}

/** A failed run and its input. */
export interface FailedInput {
  runId: string;
  input: RunInput;
}

/**
 * The failed runs of a group to retry, with their inputs as the backend has them: the named ones, or all that were not
 * retried yet. Throws `InvalidArguments` for named runs that cannot be retried.
 */
export async function failedInputs(
  taskgroupId: string,
  which: "all" | readonly string[],
  call: OpenCall,
): Promise<{ found: FailedInput[]; notes: string[] }> {
  const { client } = call.backend;
  const retries = await readRetries(taskgroupId, call);
  const wanted = which === "all" ? null : new Set(which);
  if (wanted !== null) await refuseSuperseded(wanted, retries, taskgroupId, call);
  const found: FailedInput[] = [];
  const query = { status: "failed", includeInput: true };
  const { signal } = call;
  for await (const event of client.streamGroupRuns(taskgroupId, query, { signal })) {
    if (event.type !== "task_run.state") continue;
    const { run_id: runId } = event.run;
    const isMeant = wanted?.delete(runId) ?? retries.latestOf(runId) === undefined;
    if (isMeant) found.push({ runId, input: readInput(event.input) });
  }
  if (wanted === null) return withoutRetriedElsewhere(found, taskgroupId, call);
  if (wanted.size === 0) return { found, notes: [] };
  throw new InvalidArguments(
    [...wanted].map((runId) => problem(`${runId} is not a failed run of this group; leave it out`)),
  );
}

/**
 * A process with another ledger may have retried some of these. Then the group has a later run of the same input, and
 * one more would be paid twice.
 */
async function withoutRetriedElsewhere(
  found: readonly FailedInput[],
  taskgroupId: string,
  { backend: { client, ledger }, signal }: OpenCall,
): Promise<{ found: FailedInput[]; notes: string[] }> {
  const own = await ledger.findOwn(found.map(({ runId }) => runId)).catch((error: unknown) => {
    if (error instanceof LedgerUnavailable) return new Set<string>();
    throw error;
  });
  const ofOthers = new Map(
    found.flatMap(({ runId, input }) => (own.has(runId) ? [] : [[runId, input] as const])),
  );
  if (ofOthers.size === 0) return { found: [...found], notes: [] };
  const last = new Map<string, string>();
  for await (const event of client.streamGroupRuns(
    taskgroupId,
    { includeInput: true },
    { signal },
  )) {
    if (event.type !== "task_run.state") continue;
    last.set(fingerprintRequest(readInput(event.input)), event.run.run_id);
  }
  const left = found.filter(({ runId }) => {
    const input = ofOthers.get(runId);
    return input === undefined || last.get(fingerprintRequest(input)) === runId;
  });
  const answered = found.length - left.length;
  const notes =
    answered === 0
      ? []
      : [
          `${answered} failed ${answered === 1 ? "run has" : "runs have"} a later run with the same input in the group, so ${answered === 1 ? "it is" : "they are"} not retried; retry_run_ids retries them all the same.`,
        ];
  return { found: left, notes };
}

function readInput(input: unknown): RunInput {
  return UndisputedRunInput.strip().parse(input);
}

/** Throws for a run that was already retried: only its newest attempt can be retried. */
async function refuseSuperseded(
  wanted: ReadonlySet<string>,
  retries: Retries,
  taskgroupId: string,
  call: OpenCall,
): Promise<void> {
  const superseded = [...wanted].flatMap((runId) => {
    const latest = retries.latestOf(runId);
    return latest === undefined ? [] : [{ runId, latest }];
  });
  if (superseded.length === 0) return;
  const refreshed = await refreshRetries(retries, taskgroupId, call);
  const problems: ArgumentProblem[] = [];
  for (const { runId, latest } of superseded) {
    const isKnown = isTerminalStatus(latest.status) || refreshed.has(latest.runId);
    const status = isKnown
      ? latest.status
      : (await readRun(latest.runId, {}, call)).seen.run.status;
    const shown = oneLine(`${runId} was retried as ${latest.runId} (${status})`, 500);
    problems.push(
      problem(status === "failed" ? `${shown}; name that one` : `${shown}; leave it out`),
    );
  }
  throw new InvalidArguments(problems);
}

function problem(fix: string): ArgumentProblem {
  return { argument: "retry_run_ids", fix };
}
