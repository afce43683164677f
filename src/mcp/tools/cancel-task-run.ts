import { z } from "zod";
import {
  CancelNotSupported,
  RequestRejected,
  RunNotFound,
  TaskApiError,
} from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { type TaskRun, isOver } from "../../task-api/run.ts";
import type { Backend } from "../runs/backend.ts";
import type { OpenCall } from "../runs/call-context.ts";
import { readRun } from "../runs/read-run.ts";
import { oneLine } from "../report/text.ts";
import { AnyReport, CancelOutcome, RunReport } from "../report/run-report.ts";
import { RUN_ID_NAMES, RunId } from "./arguments/shared-arguments.ts";
import type { Tool } from "../tool.ts";
import { describeOutcome } from "./cancel-outcomes.ts";

/** A worker acknowledges a cancel within moments; after this the outcome is `cancelling`. */
const CONFIRM_SECONDS = 2;
/** A word. */
const STATUS_BUDGET = 100;

const Arguments = z.object({ run_id: RunId });

/** The built-in engine can always stop a run. */
const STOPS =
  "Stop a run that is no longer wanted, and report what a second look confirmed. outcome: cancelled; cancelling (not confirmed yet); already_finished; not_found. It cannot be undone; what the run found so far is lost.";

export const cancelTaskRun: Tool<typeof Arguments> = {
  name: "cancel_task_run",
  toolset: "runs",
  title: "Cancel a task run",
  description:
    "Ask the backend to stop a run that is no longer wanted, and report what a second look confirmed. outcome: cancelled; cancelling (not confirmed yet); already_finished; not_supported (Parallel's hosted API has no cancel: the run goes on and is billed if it completes); not_found. It cannot be undone; what the run found so far is lost.",
  input: Arguments,
  otherNames: RUN_ID_NAMES,
  output: AnyReport.extend({
    outcome: CancelOutcome,
    ...RunReport.pick({ run_id: true, status: true, is_active: true }).shape,
  }),
  hints: { readOnly: false, destructive: true, idempotent: true, openWorld: true },
  otherWords: { embedded: { description: STOPS }, scripted: { description: STOPS } },

  async run({ run_id: runId }, context) {
    const call = await context.open();
    let before: RunSnapshot;
    try {
      before = (await readRun(runId, {}, call)).seen;
    } catch (error) {
      if (!(error instanceof RunNotFound)) throw error;
      return { ...describeOutcome("not_found", "run"), run_id: runId };
    }
    if (isOver(before.run)) return report("already_finished", before.run);
    const { run: answer, rejection } = await requestCancel(runId, before.run, call.backend);
    // A rejected request changed nothing, so there is nothing to wait for.
    const waitSeconds = rejection === null ? CONFIRM_SECONDS : 0;
    const { run, notes } = await confirm(runId, answer, waitSeconds, call);
    const outcome = outcomeOf(run, rejection);
    return { ...report(outcome, run), ...(notes.length > 0 && { notes }) };
  },
};

type Rejection = CancelNotSupported | RequestRejected;

/**
 * Asks the backend to cancel. Returns the run from its answer, or why it did not accept the request. The request
 * continues when the caller leaves, because the caller wanted the cancel.
 */
async function requestCancel(
  runId: string,
  run: TaskRun,
  { client }: Backend,
): Promise<{ run: TaskRun; rejection: Rejection | null }> {
  try {
    return { run: await client.cancelRun(runId), rejection: null };
  } catch (error) {
    if (error instanceof CancelNotSupported || error instanceof RequestRejected) {
      return { run, rejection: error };
    }
    throw error;
  }
}

/** Reads the run again. When that fails, what the backend answered before is still what is known. */
async function confirm(
  runId: string,
  known: TaskRun,
  waitSeconds: number,
  call: OpenCall,
): Promise<{ run: TaskRun; notes: string[] }> {
  try {
    const { seen } = await readRun(runId, { waitSeconds }, call);
    return { run: seen.run, notes: [] };
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    return { run: known, notes: [`The run could not be read again: ${error.message}`] };
  }
}

/** Throws the rejection of a run that could have been cancelled. */
function outcomeOf(run: TaskRun, rejection: Rejection | null): CancelOutcome {
  if (run.status === "cancelled") return "cancelled";
  // The run finished between the first read and the request; our engine then rejects it with a 409.
  if (isOver(run)) return "already_finished";
  if (rejection === null) return "cancelling";
  if (rejection instanceof CancelNotSupported) return "not_supported";
  throw rejection;
}

function report(outcome: CancelOutcome, run: TaskRun): RunReport {
  const status = oneLine(run.status, STATUS_BUDGET);
  return {
    ...describeOutcome(outcome, "run", status),
    run_id: run.run_id,
    status,
    is_active: run.is_active,
  };
}
