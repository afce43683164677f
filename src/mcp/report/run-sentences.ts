import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { type RunError, mayHaveResult } from "../../task-api/run.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { callWithId, oneLine } from "./text.ts";
import type { ReadingPlace } from "./reading/output-parts.ts";
import type { RunView } from "./reading/run-views.ts";
import type { KnownRunFacts, Prices } from "./run-facts.ts";

export interface ReportRequest {
  seen: RunSnapshot;
  prices: Prices;
  view: RunView;
  place: ReadingPlace;
  /** How long the call waited before this was seen. */
  wait: Wait;
  /** How long a further call should wait. */
  nextWaitSeconds: number;
  /** What the call did before it looked at the run: a sentence that the summary begins with. */
  lead?: string;
  /** Of a failed run: the newest run that runs it again. */
  retriedAs?: LedgerRetry | undefined;
  /** What else the reader should know, in our words. */
  notes?: readonly string[];
}

/** How long a call waited, and whether that is less than it asked for. */
export interface Wait {
  seconds: number;
  isCapped: boolean;
}

/** " after 50 s of waiting, the longest one call waits here"; empty without a wait. */
export function waitedText({ seconds, isCapped }: Wait): string {
  if (seconds === 0) return "";
  return ` after ${seconds} s of waiting${isCapped ? ", the longest one call waits here" : ""}`;
}

/** Why an output that there may be is not shown; null when that is no trouble. */
export function outputTrouble({ run, output, trouble }: RunSnapshot): string | null {
  return output === null && mayHaveResult(run) ? trouble : null;
}

/** What happened to the run; without its id, which the report has on a line of its own. */
export function describeStatus(
  { status, is_active, percent, question_asked: question }: KnownRunFacts,
  { seen, view, wait, lead }: Pick<ReportRequest, "seen" | "view" | "wait" | "lead">,
): string {
  const run = lead === undefined ? "The run" : `${lead} It`;
  if (is_active) {
    const meter = percent === undefined ? "" : `, ${percent}% done`;
    return `${run} is ${wait.seconds === 0 ? "" : "still "}${status}${waitedText(wait)}${meter}.`;
  }
  switch (status) {
    case "completed":
      if (view === "status" || view === "events" || seen.output !== null) {
        return `${run} is completed.`;
      }
      return outputTrouble(seen) === null
        ? `${run} is completed, but the backend holds no output of it.`
        : `${run} is completed, but its output could not be read.`;
    case "failed":
      return `${run} failed and is not billed.`;
    case "cancelled":
      return `${run} was cancelled; it has no output.`;
    case "action_required":
      return question === undefined
        ? `${run} is action_required: it waits for an action outside this server and does not go on by itself.`
        : `${run} is action_required: it asks the question below and does not go on without an answer.`;
    default:
      return `${run} is no longer active; its status is ${status}${seen.output === null ? "" : ", and it has an output"}.`;
  }
}

/** What to do next. Calls name the run as "this run_id". */
export function nextStep(facts: KnownRunFacts, request: ReportRequest): string {
  const { status, is_active, basis } = facts;
  const { seen, view, nextWaitSeconds } = request;
  if (facts.cut?.next_offset !== undefined) return readOn(facts, facts.cut.next_offset, request);
  if (is_active) {
    const call = callWithId("get_task_run", { wait_seconds: nextWaitSeconds });
    return view === "status"
      ? `Call ${call}.`
      : `Call ${call} to wait; do not start the run again.`;
  }
  if ((view === "events" || view === "status") && mayHaveResult(seen.run)) {
    return `Call ${callWithId("get_task_run")} to read the answer.`;
  }
  if (seen.output !== null) {
    if (seen.output.basis.every(({ citations }) => (citations ?? []).length === 0)) {
      return "The output cites no source: say so if you answer from it.";
    }
    if (basis !== undefined) return "Answer from this evidence and cite its sources.";
    return view === "basis"
      ? 'Say so if you use a value without evidence; the values: view "output".'
      : 'Answer from the output and cite its sources; all evidence: view "basis".';
  }
  if (outputTrouble(seen) !== null) {
    return `Wait a moment, then call ${callWithId("get_task_run")} again; do not start the run again. If it stays so, tell the user.`;
  }
  switch (status) {
    case "completed":
      return "Tell the user: results are kept for a limited time. Asking again needs a new run.";
    case "failed":
      return afterFailure(facts, request);
    case "action_required": {
      // The Task API has no call that takes an answer.
      const id = facts.interaction_id === undefined ? "run_id" : "interaction_id";
      return `Answer it with a new run: create_task_run with this ${id} as previous_interaction_id and the answer in its input; then, or if it is not wanted, stop this one: ${callWithId("cancel_task_run")}.`;
    }
    case "cancelled":
      return "Start a new run with create_task_run if the answer is still wanted.";
    default:
      return "Tell the user: someone has to look at the run where it was started.";
  }
}

const SAME_AGAIN = "start it again with the same arguments (a new idempotency_key if it had one)";
const RETRY = "retry it: create_task_group with this taskgroup_id and this run_id in retry_run_ids";

function afterFailure(
  { taskgroup_id: taskgroupId }: KnownRunFacts,
  { seen, retriedAs }: ReportRequest,
): string {
  if (retriedAs !== undefined) {
    const { runId, status } = retriedAs;
    return oneLine(`It was retried as ${runId} (${status}): read that.`, 300);
  }
  const again = taskgroupId === undefined ? SAME_AGAIN : RETRY;
  switch (seen.run.error ? failureCause(seen.run.error) : "unknown") {
    case "chance":
      return `The failure looks temporary: ${again}.`;
    case "task":
      return "Correct what the error names, and start it again with create_task_run.";
    case "unknown":
      return `Correct what the error names; if that is no fault of the task, ${again}, once.`;
  }
}

/** The calls that read what is not shown. */
function readOn(
  { outline = [] }: KnownRunFacts,
  offset: number,
  { view, place: { field, section, confidence } }: ReportRequest,
): string {
  const place = {
    ...(field !== undefined && { field }),
    ...(section !== undefined && { section }),
    ...(confidence !== undefined && { confidence }),
  };
  const shownView = view === "auto" ? "output" : view;
  const onward = callWithId("get_task_run", { view: shownView, ...place, offset });
  if (outline.length === 0) return `Read on with ${onward}.`;
  // The outline is the run's own words: a section is named there and not here.
  return `Read a section by its name in the outline (section "…"), or read on with ${onward}.`;
}

/** `chance`: the same run may succeed. `task`: it would fail again as it is. `unknown`: the error does not tell. */
type FailureCause = "chance" | "task" | "unknown";

/**
 * The Task API has no code for why a run failed, only `message` and an open `detail` (5.4). A list of problems in the
 * detail is the one of a request that does not validate (15.1), and a number there may be an HTTP status (15.2).
 */
const PASSING_STATUS: ReadonlySet<unknown> = new Set([408, 429, 500, 502, 503, 504]);
const REFUSED_STATUS: ReadonlySet<unknown> = new Set([400, 413, 422]);

const PASSING_WORDS =
  /\b(internal|temporar(?:y|ily)|transient|time(?:d[ -]?|-| )?out|rate[ -]limit|too many requests|overloaded|unavailable|try again|worker was lost|engine failed|connection|network|50[0234]|429)\b/i;
const TASK_WORDS =
  /\b(schema|validat(?:e|ion)|invalid|unprocessable|unsupported|not supported|malformed|too long|too large|too many fields)\b/i;

/** Whether a failed run is worth starting again as it was. */
function failureCause({ message, detail }: RunError): FailureCause {
  if (isJsonObject(detail)) {
    if (Array.isArray(detail["errors"])) return "task";
    const numbers = ["status", "status_code", "code"].map((name) => Number(detail[name]));
    if (numbers.some((number) => PASSING_STATUS.has(number))) return "chance";
    if (numbers.some((number) => REFUSED_STATUS.has(number))) return "task";
  }
  if (PASSING_WORDS.test(message)) return "chance";
  return TASK_WORDS.test(message) ? "task" : "unknown";
}
