import type { RunSnapshot } from "../client/snapshots.ts";
import { unreadableOf } from "../task-api/lenient.ts";
import { mayHaveResult } from "../task-api/run.ts";
import { callText, durationText } from "./phrases.ts";
import type { PriceList } from "./price-list.ts";
import {
  type ReadingPlace,
  type RunView,
  viewAnswer,
  viewBasis,
  viewEvents,
  viewOutput,
} from "./reading/run-views.ts";
import { runUri } from "./resources/run-uri.ts";
import { type KnownRunFacts, describeRun } from "./run-facts.ts";
import type { RunFacts, RunReport } from "./run-report.ts";
import type { Wait, WaitLimits } from "./wait-policy.ts";

export interface ReportRequest {
  seen: RunSnapshot;
  prices: PriceList;
  view: RunView;
  place: ReadingPlace;
  /** How long the call waited before this was seen. */
  wait: Wait;
  /** What a next call may wait. */
  waits: WaitLimits;
  /** What else the reader should know, in our words. */
  notes?: readonly string[];
}

/** All of a run, from its beginning. */
export const WHOLE: ReadingPlace = {
  field: undefined,
  section: undefined,
  confidence: undefined,
  offset: 0,
};

/** Reports a run as it was last seen, with what the view shows of it. Throws `InvalidArguments` and `PlaceNotFound`. */
export function composeReport(request: ReportRequest): RunReport {
  const { seen, view } = request;
  if (view === "status") return statusReport(request);
  const shown = viewRun(request);
  const isAlone = shown.output === undefined && shown.basis === undefined;
  const notes = allNotes(request);
  const facts = { ...shown, ...describeRun(seen, request.prices, isAlone) };
  return {
    summary: describeStatus(facts, request),
    next_step: nextStep(facts, request),
    ...(notes.length > 0 && { notes }),
    ...facts,
    ...(facts.cut !== undefined &&
      facts.output !== undefined && { resource: runUri(facts.run_id, "output") }),
    ...waitFacts(request.wait),
  };
}

/** For those who ask again and again: every token of it is paid for each time, and the run id is the longest part. */
function statusReport(request: ReportRequest): RunReport {
  const {
    seen: { run, percent },
    waits,
    prices,
  } = request;
  const notes = allNotes(request);
  const { run_id, status, is_active } = describeRun(
    { ...emptySnapshot, run, percent },
    prices,
    false,
  );
  const meter = percent > 0 ? `, ${Math.round(percent)}%` : "";
  return {
    summary: `The run is ${status}${is_active ? meter : ""}.`,
    next_step: is_active
      ? `Call get_task_run with wait_seconds ${waits.defaultSeconds}.`
      : "Call get_task_run to read it.",
    ...(notes.length > 0 && { notes }),
    run_id,
    status,
    is_active,
    ...(percent > 0 && { percent: Math.round(percent) }),
  };
}

/** Names in one note: enough to see what is wrong with an answer. */
const UNREADABLE_SHOWN = 10;

/** Why an output that there may be is not shown; null when that is no trouble. */
function outputTrouble({ run, output, trouble }: RunSnapshot): string | null {
  return output === null && mayHaveResult(run) ? trouble : null;
}

function allNotes({ seen, notes = [] }: ReportRequest): string[] {
  return [...notes, ...readingNotes(seen)];
}

/** What of a run and its output could not be read, and why. */
export function readingNotes(seen: RunSnapshot): string[] {
  const { run, output } = seen;
  const trouble = outputTrouble(seen);
  const parts = [
    ...unreadableOf(run),
    ...(output === null ? [] : unreadableOf(output)).map((path) =>
      path === "" ? "output" : `output.${path}`,
    ),
  ];
  return [
    ...(trouble === null ? [] : [`The output could not be read. ${trouble}`]),
    ...unreadableNotes(parts),
  ];
}

/** What of the backend's answer is not as the Task API has it, and so is not shown as it was meant. */
export function unreadableNotes(parts: readonly string[]): string[] {
  if (parts.length === 0) return [];
  const names = [...new Set(parts)];
  const more =
    names.length > UNREADABLE_SHOWN ? ` and ${names.length - UNREADABLE_SHOWN} more` : "";
  return [
    `The backend's answer is not in the form of the Task API everywhere. Left out, derived or shown as JSON: ${names.slice(0, UNREADABLE_SHOWN).join(", ")}${more}.`,
  ];
}

const emptySnapshot = {
  output: null,
  latestMessage: null,
  sourcesRead: null,
  sourcesConsidered: null,
  sourcesSample: [],
  messages: [],
  trouble: null,
};

/** What was asked, what was done, and why: only where there was a wait to speak of. */
export function waitFacts({ askedSeconds, seconds, why }: Wait): Pick<RunFacts, "wait"> {
  if (seconds === 0) return {};
  return {
    wait: {
      ...(askedSeconds !== undefined && { asked_seconds: askedSeconds }),
      applied_seconds: seconds,
      why,
    },
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
      return viewAnswer(output, place);
    case "output":
      return viewOutput(output, place);
    case "basis":
      return viewBasis(output, place);
  }
}

function describeStatus(
  { run_id, status, is_active, percent }: KnownRunFacts,
  { seen, view, wait }: ReportRequest,
): string {
  const run = `Run ${run_id}`;
  if (is_active) {
    const meter = percent === undefined ? "" : `, ${Math.round(percent)}% done`;
    if (wait.seconds === 0) return `${run} is ${status}${meter}.`;
    const isCapped = wait.askedSeconds !== undefined && wait.seconds < wait.askedSeconds;
    const cap = isCapped ? ", the longest one call waits here" : "";
    return `${run} is still ${status} after ${wait.seconds} s of waiting${cap}${meter}.`;
  }
  switch (status) {
    case "completed":
      if (view === "events" || seen.output !== null) return `${run} is completed.`;
      return outputTrouble(seen) === null
        ? `${run} is completed, but the backend holds no output of it.`
        : `${run} is completed, but its output could not be read.`;
    case "failed":
      return `${run} failed. It has no output, and failed runs are not billed.`;
    case "cancelled":
      return `${run} was cancelled. It has no output.`;
    case "action_required":
      return `${run} waits for an action outside this server and does not go on by itself.`;
    default:
      return `${run} is no longer active; its status is ${status}${seen.output === null ? "" : ", and it has an output"}.`;
  }
}

function nextStep(facts: KnownRunFacts, request: ReportRequest): string {
  const { run_id, status, is_active, usual_seconds, basis } = facts;
  const { seen, view, waits } = request;
  if (facts.cut?.next_offset !== undefined) return readOn(facts, facts.cut.next_offset, request);
  if (is_active) {
    const usual =
      usual_seconds === undefined
        ? ""
        : ` Such runs usually take ${durationText(usual_seconds.from)} to ${durationText(usual_seconds.to)}.`;
    const call = callText("get_task_run", { run_id, wait_seconds: waits.defaultSeconds });
    return `Call ${call} to wait for the result; do not start the run again.${usual}`;
  }
  if (view === "events" && mayHaveResult(seen.run)) {
    return `Call ${callText("get_task_run", { run_id })} to read the answer.`;
  }
  if (seen.output !== null) {
    if (seen.output.basis.every(({ citations }) => (citations ?? []).length === 0)) {
      return "The output cites no source: if you answer from it, say so. There is no more to read here.";
    }
    return basis === undefined
      ? `Answer from the output and cite its sources. All evidence: ${callText("get_task_run", { run_id, view: "basis" })}.`
      : "Answer from what is shown and cite its sources; there is no more to read here.";
  }
  if (outputTrouble(seen) !== null) {
    return `Wait a moment, then call ${callText("get_task_run", { run_id })} again; do not start the run again. If it stays so, tell the user.`;
  }
  switch (status) {
    case "completed":
      return "Tell the user: results are kept for a limited time. Asking again needs a new run.";
    case "failed":
      return "Read the error, correct the task, and start it anew with create_task_run; or tell the user.";
    case "cancelled":
      return "Start a new run with create_task_run if the answer is still wanted.";
    default:
      return "Tell the user: someone has to look at the run where it was started.";
  }
}

/** The calls that read what is not shown. */
function readOn(
  { run_id, outline }: KnownRunFacts,
  offset: number,
  { view, place: { field, section, confidence } }: ReportRequest,
): string {
  const place = {
    ...(field !== undefined && { field }),
    ...(section !== undefined && { section }),
    ...(confidence !== undefined && { confidence }),
  };
  const shownView = view === "auto" ? "output" : view;
  const onward = callText("get_task_run", { run_id, view: shownView, ...place, offset });
  const [first] = outline ?? [];
  if (first === undefined) return `Only a part is shown. Read on with ${onward}.`;
  // The outline is the run's own words: a section is named there and not here.
  const bySection = callText("get_task_run", { run_id, ...(field && { field }), section: "…" });
  return `Only a part is shown. Read the section you need by its name in the outline, ${bySection}, or read on with ${onward}.`;
}
