import { z } from "zod";
import {
  CancelNotSupported,
  RequestRejected,
  RunNotFound,
  TaskApiError,
} from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { type TaskRun, isOver, mayHaveResult } from "../../task-api/run.ts";
import type { Backend } from "../runs/backend.ts";
import { callWithId, oneLine } from "../report/text.ts";
import { AnyReport, CancelOutcome, RunReport } from "../report/run-report.ts";
import { RUN_ID_NAMES, RunId } from "./arguments/shared-arguments.ts";
import type { Tool } from "../tool.ts";
import { lookAtRun, snapshotOf, waitForRun } from "../runs/wait-for-run.ts";

/** A worker acknowledges a cancel within moments; a longer one is reported as what it is. */
const CONFIRM_SECONDS = 2;
/** A word. */
const STATUS_BUDGET = 100;

const Arguments = z.object({ run_id: RunId });

/** The built-in engine can always be told to stop. */
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
  words: { embedded: STOPS, scripted: STOPS },

  async run({ run_id: runId }, context) {
    const backend = await context.openBackend();
    let before: RunSnapshot;
    try {
      before = await lookAtRun(backend, runId, context.callerLeft);
      if (isOver(before.run)) return report("already_finished", before);
    } catch (error) {
      if (error instanceof RunNotFound) {
        const outcome = "not_found";
        return { ...describeOutcome(outcome, ""), outcome, run_id: runId };
      }
      throw error;
    }
    const answer = await requestCancel(backend, runId);
    const isRefused = answer instanceof TaskApiError;
    const { seen, notes } = isRefused
      ? await lookAgain(before, () => lookAtRun(backend, runId, context.callerLeft))
      : await lookAgain(snapshotOf(answer), () =>
          waitForRun(backend, runId, CONFIRM_SECONDS, context),
        );
    const outcome = outcomeOf(seen, isRefused ? answer : null);
    return { ...report(outcome, seen), ...(notes.length > 0 && { notes }) };
  },
};

type Refusal = CancelNotSupported | RequestRejected;

/**
 * The run as the backend answered with it when it took the request, else why it did not. It does not end with the
 * caller: a cancel that was asked for is wanted, whoever has left meanwhile.
 */
async function requestCancel({ client }: Backend, runId: string): Promise<TaskRun | Refusal> {
  try {
    return await client.cancelRun(runId);
  } catch (error) {
    if (error instanceof CancelNotSupported || error instanceof RequestRejected) return error;
    throw error;
  }
}

/** A second look that fails does not undo what the backend has answered: then that is what is known. */
async function lookAgain(
  known: RunSnapshot,
  look: () => Promise<RunSnapshot>,
): Promise<{ seen: RunSnapshot; notes: string[] }> {
  try {
    return { seen: await look(), notes: [] };
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    return { seen: known, notes: [`The run could not be looked at again: ${error.message}`] };
  }
}

/** Throws the refusal of a run that could have been cancelled. */
function outcomeOf({ run }: RunSnapshot, refusal: Refusal | null): CancelOutcome {
  if (run.status === "cancelled") return "cancelled";
  // It finished between our first look and the request; our engine then refuses it with a 409.
  if (isOver(run)) return "already_finished";
  if (refusal === null) return "cancelling";
  if (refusal instanceof CancelNotSupported) return "not_supported";
  throw refusal;
}

function report(outcome: CancelOutcome, { run }: RunSnapshot): RunReport {
  const status = oneLine(run.status, STATUS_BUDGET);
  return {
    ...describeOutcome(outcome, status),
    outcome,
    run_id: run.run_id,
    status,
    is_active: run.is_active,
  };
}

/** What happened, and what to do; the id stands on a line of its own. */
function describeOutcome(
  outcome: CancelOutcome,
  status: string,
): Pick<RunReport, "summary" | "next_step"> {
  const look = callWithId("get_task_run", { wait_seconds: 0 });
  switch (outcome) {
    case "cancelled":
      return {
        summary: "The run is cancelled; it has no output.",
        next_step: "Nothing more to do for this run.",
      };
    case "cancelling":
      return {
        summary: `Cancelling: the backend took the request, but it is not confirmed yet; the run is ${status}.`,
        next_step: `Call ${look} in a moment to see whether it is cancelled.`,
      };
    case "already_finished":
      return {
        summary: `The run had already finished (${status}); there was nothing to cancel.`,
        next_step: mayHaveResult({ status, is_active: false })
          ? `Its result is still there: ${look}.`
          : "Nothing more to do for this run.",
      };
    case "not_supported":
      return {
        summary: `Cancelling is not supported by this backend. The run ${status === "action_required" ? "stays" : "goes on"} (${status}) and is billed if it completes.`,
        next_step: `Tell the user it could not be stopped. Its result can still be read later: ${look}.`,
      };
    case "not_found":
      return {
        summary: "Not found: the backend knows no such run; nothing was cancelled.",
        next_step: "Use the run_id exactly as create_task_run returned it; do not guess one.",
      };
  }
}
