import { mayHaveResult } from "../../task-api/run.ts";
import { callWithId } from "../report/text.ts";
import type { CancelOutcome, RunReport } from "../report/run-report.ts";

/** `state`: the status of the run, or the sentence about the group. */
type Describe = (state: string) => Pick<RunReport, "summary" | "next_step">;

const NOTHING_TO_DO = "Nothing more to do for this run.";
const READ_RUN = callWithId("get_task_run", { wait_seconds: 0 });
const READ_GROUP = callWithId("get_task_group", { view: "status" });
const GROUP_RESULTS = `Results of completed runs are still there: ${callWithId("get_task_group", { view: "results" })}.`;

/** What happened, and what to do next. */
const OUTCOMES: Readonly<Record<CancelOutcome, Record<"run" | "group", Describe>>> = {
  cancelled: {
    run: () => ({
      summary: "The run is cancelled; it has no output.",
      next_step: NOTHING_TO_DO,
    }),
    group: (state) => ({
      summary: `Nothing is active any more: ${state}.`,
      next_step: GROUP_RESULTS,
    }),
  },
  cancelling: {
    run: (state) => ({
      summary: `Cancelling: the backend took the request, but it is not confirmed yet; the run is ${state}.`,
      next_step: `Call ${READ_RUN} in a moment to see whether it is cancelled.`,
    }),
    group: (state) => ({
      summary: `The backend took the request to cancel; it is not confirmed for all runs yet: ${state}.`,
      next_step: `Call ${READ_GROUP} in a moment to see what is cancelled.`,
    }),
  },
  already_finished: {
    run: (state) => ({
      summary: `The run had already finished (${state}); there was nothing to cancel.`,
      next_step: mayHaveResult({ status: state, is_active: false })
        ? `Its result is still there: ${READ_RUN}.`
        : NOTHING_TO_DO,
    }),
    group: (state) => ({
      summary: `There was nothing left to cancel: ${state}.`,
      next_step: GROUP_RESULTS,
    }),
  },
  not_supported: {
    run: (state) => ({
      summary: `Cancelling is not supported by this backend. The run ${state === "action_required" ? "stays" : "goes on"} (${state}) and is billed if it completes.`,
      next_step: `Tell the user it could not be stopped. Its result can still be read later: ${READ_RUN}.`,
    }),
    group: (state) => ({
      summary: `This backend cannot cancel groups. The runs go on and are billed as they complete: ${state}.`,
      next_step: `Tell the user they could not be stopped. ${GROUP_RESULTS}`,
    }),
  },
  not_found: {
    run: () => ({
      summary: "Not found: the backend knows no such run; nothing was cancelled.",
      next_step: "Use the run_id exactly as create_task_run returned it; do not guess one.",
    }),
    group: () => ({
      summary: "The backend knows no such group; nothing was cancelled.",
      next_step: "Use the taskgroup_id exactly as create_task_group returned it; do not guess one.",
    }),
  },
};

/** The beginning of a report about a cancel. The id stands on a line of its own. */
export function describeOutcome(
  outcome: CancelOutcome,
  subject: "run" | "group",
  state = "",
): Pick<RunReport, "summary" | "next_step" | "outcome"> {
  return { ...OUTCOMES[outcome][subject](state), outcome };
}
