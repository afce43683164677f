import { LedgerUnavailable } from "../../ledger/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import { type RunInput, UndisputedRunInput } from "../../task-api/run-input.ts";
import { isTerminalStatus } from "../../task-api/run.ts";
import { type ArgumentProblem, InvalidArguments } from "../arguments/argument-problems.ts";
import type { Backend } from "./backend.ts";
import { oneLine } from "../report/text.ts";
import { type Retries, readRetries, refreshRetries } from "./retries.ts";
import type { ToolContext } from "../tool.ts";
import { lookAtRun } from "./wait-for-run.ts";

/** A failed run, and what it was asked. */
export interface FailedInput {
  runId: string;
  input: RunInput;
}

/**
 * The failed runs of a group that are to be run again, with their inputs as the backend has them: those that are named, or
 * all that were not retried; of those that were, the notes tell that are known from the group alone. Throws
 * `InvalidArguments` for named runs that cannot be run again.
 */
export async function failedInputs(
  taskgroupId: string,
  which: "all" | readonly string[],
  backend: Backend,
  context: ToolContext,
): Promise<{ found: FailedInput[]; notes: string[] }> {
  const retries = await readRetries(taskgroupId, backend, context);
  const wanted = which === "all" ? null : new Set(which);
  if (wanted !== null) await refuseSuperseded(wanted, retries, taskgroupId, backend, context);
  const found: FailedInput[] = [];
  const query = { status: "failed", includeInput: true };
  const { callerLeft: signal } = context;
  for await (const event of backend.client.streamGroupRuns(taskgroupId, query, { signal })) {
    if (event.type !== "task_run.state") continue;
    const { run_id: runId } = event.run;
    const isMeant = wanted?.delete(runId) ?? retries.latestOf(runId) === undefined;
    if (isMeant) found.push({ runId, input: readInput(event.input) });
  }
  if (wanted === null) return withoutAnsweredElsewhere(found, taskgroupId, backend, signal);
  if (wanted.size === 0) return { found, notes: [] };
  throw new InvalidArguments(
    [...wanted].map((runId) => problem(`${runId} is not a failed run of this group; leave it out`)),
  );
}

/**
 * What another server or process with a record of its own retried is not known here, but the group has a later run of
 * the same input: to start one more would be paid twice.
 */
async function withoutAnsweredElsewhere(
  found: readonly FailedInput[],
  taskgroupId: string,
  { client, ledger }: Backend,
  signal: AbortSignal,
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

/** A run that was retried has a newer one, which is the one to retry. */
async function refuseSuperseded(
  wanted: ReadonlySet<string>,
  retries: Retries,
  taskgroupId: string,
  backend: Backend,
  { callerLeft: signal }: ToolContext,
): Promise<void> {
  const superseded = [...wanted].flatMap((runId) => {
    const latest = retries.latestOf(runId);
    return latest === undefined ? [] : [{ runId, latest }];
  });
  if (superseded.length === 0) return;
  const learned = await refreshRetries(retries, taskgroupId, backend, signal);
  const problems: ArgumentProblem[] = [];
  for (const { runId, latest } of superseded) {
    const isKnown = isTerminalStatus(latest.status) || learned.has(latest.runId);
    const status = isKnown
      ? latest.status
      : (await lookAtRun(backend, latest.runId, signal)).run.status;
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
