import type { RunSnapshot } from "../client/follower.ts";
import type { Backend } from "./backend.ts";
import { callText, durationText } from "./phrases.ts";
import { type KnownRunFacts, describeRun } from "./run-facts.ts";
import type { RunFacts, RunReport } from "./run-report.ts";
import {
  type ReadingPlace,
  type RunView,
  viewAnswer,
  viewBasis,
  viewEvents,
  viewOutput,
} from "./run-views.ts";
import type { Wait } from "./shared-arguments.ts";

export interface ReportRequest {
  seen: RunSnapshot;
  kind: Backend["kind"];
  view: RunView;
  place: ReadingPlace;
  /** How long the call waited before this was seen. */
  wait: Wait;
  /** What a next call should wait. */
  nextWaitSeconds: number;
}

/** Reports a run as it was last seen, with what the view shows of it. Throws `InvalidArguments`. */
export function composeReport(request: ReportRequest): RunReport {
  const { seen, kind, view } = request;
  const facts = { ...viewRun(request), ...describeRun(seen, kind, view === "status") };
  return {
    summary: describeStatus(facts, request),
    next_step: nextStep(facts, request),
    ...facts,
  };
}

function viewRun({ seen, view, place }: ReportRequest): RunFacts {
  if (view === "events") return viewEvents(seen, place);
  const { output } = seen;
  if (output === null) return {};
  switch (view) {
    case "status":
      return {};
    case "auto":
      return viewAnswer(output);
    case "output":
      return viewOutput(output, place);
    case "basis":
      return viewBasis(output, place);
  }
}

function describeStatus(
  { run_id, status, is_active, percent }: KnownRunFacts,
  request: ReportRequest,
): string {
  const run = `Run ${run_id}`;
  if (is_active) {
    const meter = percent === undefined ? "" : `, ${Math.round(percent)}% done`;
    const { seconds, isCapped } = request.wait;
    if (seconds === 0) return `${run} is ${status}${meter}.`;
    const cap = isCapped ? ", the longest one call waits here" : "";
    return `${run} is still ${status} after ${seconds} s of waiting${cap}${meter}.`;
  }
  switch (status) {
    case "completed":
      return isOutputMissing(request)
        ? `${run} is completed, but the backend holds no output of it.`
        : `${run} is completed.`;
    case "failed":
      return `${run} failed. It has no output, and failed runs are not billed.`;
    case "cancelled":
      return `${run} was cancelled. It has no output.`;
    case "action_required":
      return `${run} waits for an action outside this server and does not go on by itself.`;
    default:
      return `${run} is no longer active; its status is ${status}.`;
  }
}

function nextStep(
  { run_id, status, is_active, usual_seconds, cut, basis }: KnownRunFacts,
  request: ReportRequest,
): string {
  const { seen, view, place, nextWaitSeconds } = request;
  if (cut?.next_offset !== undefined) {
    const { field } = place;
    const args = {
      run_id,
      view: view === "auto" ? "output" : view,
      ...(field === undefined ? {} : { field }),
      offset: cut.next_offset,
    };
    return `Only a part is shown. Read on with ${callText("get_task_run", args)}.`;
  }
  if (is_active) {
    const usual =
      usual_seconds === undefined
        ? ""
        : ` Such runs usually take ${durationText(usual_seconds.from)} to ${durationText(usual_seconds.to)}.`;
    const call = callText("get_task_run", { run_id, wait_seconds: nextWaitSeconds });
    return `Call ${call} to wait for the result; do not start the run again.${usual}`;
  }
  switch (status) {
    case "completed":
      if (isOutputMissing(request)) {
        return "Tell the user: results are kept for a limited time. Asking again needs a new run.";
      }
      if (view === "status" || view === "events") {
        return `Call ${callText("get_task_run", { run_id })} to read the answer.`;
      }
      return basis === undefined && seen.output !== null && seen.output.basis.length > 0
        ? `Answer from the output and cite its sources. All evidence: ${callText("get_task_run", { run_id, view: "basis" })}.`
        : "Answer from what is shown and cite its sources; there is no more to read here.";
    case "failed":
      return "Read the error, correct the task, and start it anew with create_task_run; or tell the user.";
    case "cancelled":
      return "Start a new run with create_task_run if the answer is still wanted.";
    default:
      return "Tell the user: someone has to look at the run where it was started.";
  }
}

function isOutputMissing({ seen, view }: ReportRequest): boolean {
  return view !== "status" && view !== "events" && seen.output === null;
}
