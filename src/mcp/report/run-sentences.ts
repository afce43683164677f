import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { LedgerRetry } from "../../ledger/ledger.ts";
import { type RunError, mayHaveResult } from "../../task-api/run.ts";
import type { AnswerForm } from "../../task-api/answer.ts";
import { isJsonObject, JsonObject } from "../../task-api/task-spec.ts";
import { callWithId, oneLine, timeText } from "./text.ts";
import type { OutputSelection } from "./reading/output-parts.ts";
import type { RunView } from "./reading/run-views.ts";
import type { RunFacts, Prices } from "./run-facts.ts";

export interface ReportRequest {
  seen: RunSnapshot;
  /** What a run in `action_required` needs, where it takes an answer. */
  form?: AnswerForm | null;
  prices: Prices;
  view: RunView;
  selection: OutputSelection;
  /** How long the call waited. */
  wait: Wait;
  /** How long the next call should wait. */
  nextWaitSeconds: number;
  /** A sentence about what the call did before it read the run; the summary starts with it. */
  lead?: string;
  /** For a failed run: its latest retry. */
  retriedAs?: LedgerRetry | undefined;
  /** A passage that the answer names and that can be read on from. */
  readablePassage?: string | undefined;
  /** Further notes. */
  notes?: readonly string[];
}

/** How long a call waited; capped when it asked for more. */
export interface Wait {
  seconds: number;
  isCapped: boolean;
}

/** " after 50 s of waiting, the longest one call waits here"; empty without a wait. */
export function waitedText({ seconds, isCapped }: Wait): string {
  if (seconds === 0) return "";
  return ` after ${seconds} s of waiting${isCapped ? ", the longest one call waits here" : ""}`;
}

/** Why an output that should exist could not be read; null when none is missing. */
export function missingOutputReason({ run, output, staleReason }: RunSnapshot): string | null {
  return output === null && mayHaveResult(run) ? staleReason : null;
}

/** What happened to the run. The report has the id on a line of its own. */
export function runSummary(
  { status, is_active, percent, question_asked: question }: RunFacts,
  { seen, form, view, wait, lead }: Pick<ReportRequest, "seen" | "form" | "view" | "wait" | "lead">,
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
      return missingOutputReason(seen) === null
        ? `${run} is completed, but the backend has no output.`
        : `${run} is completed, but its output could not be read.`;
    case "failed":
      return `${run} failed and is not billed.`;
    case "cancelled":
      return `${run} was cancelled; it has no output.`;
    case "action_required":
      if (form) {
        return `${run} is action_required: its evidence is gathered, and it waits for you to write the answer.`;
      }
      return question === undefined
        ? `${run} is action_required: it waits for an action outside this server and does not go on by itself.`
        : `${run} is action_required: it waits for an answer to the question below and does not go on without one.`;
    default:
      return `${run} is no longer active; its status is ${status}${seen.output === null ? "" : ", and it has an output"}.`;
  }
}

/** What to do next. Suggested calls say "this run_id". */
export function runNextStep(facts: RunFacts, request: ReportRequest): string {
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
      return "The output cites no source: say so if you use it.";
    }
    if (basis !== undefined) return "Answer from this evidence and cite its sources.";
    if (view === "basis") {
      return 'Say so if you use a value without evidence; values: view "output".';
    }
    const { readablePassage: id } = request;
    const onward = id === undefined ? "" : ` ${readOnText(id)}`;
    return `Answer from the output and cite its sources; all evidence: view "basis".${onward}`;
  }
  if (missingOutputReason(seen) !== null) {
    return `Wait a moment, then call ${callWithId("get_task_run")} again; do not start the run again. If it still fails, tell the user.`;
  }
  switch (status) {
    case "completed":
      return "Tell the user: results are kept for a limited time. A new run is needed.";
    case "failed":
      return afterFailure(facts, request);
    case "action_required": {
      if (request.form) return answerNext(request.form);
      // The Task API has no call that takes an answer.
      const id = facts.interaction_id === undefined ? "run_id" : "interaction_id";
      return `Answer with a new run: create_task_run with this ${id} as previous_interaction_id and the answer as input. Then, or if it is not wanted, stop this run: ${callWithId("cancel_task_run")}.`;
    }
    case "cancelled":
      return "Start a new run with create_task_run if the answer is still wanted.";
    default:
      return "Tell the user: the run needs attention where it was started.";
  }
}

/** How to read on in the sources of an answer. */
function readOnText(passage: string): string {
  const [page = ""] = passage.split(".");
  return `If that is not enough, ${callWithId("get_task_run", { passage })} reads around that passage; "${page}" is the outline of its document, "more" the next hits.`;
}

/** The call that answers, with the run's own fields, and the calls that read more. */
function answerNext(form: AnswerForm): string {
  const { output_schema: schema, passages, next_offset: next, queries_left: queries } = form;
  const fields =
    schema === null ? ["output"] : Object.keys(JsonObject.catch({}).parse(schema["properties"]));
  const cited = passages.slice(0, 1).map(({ id }) => id);
  const citations = Object.fromEntries(
    fields.slice(0, 3).map((field) => [oneLine(field, 60), cited]),
  );
  const output = schema === null ? "a text" : "an object of answer_form.output_schema";
  return [
    `Write the answer from the evidence, then call ${callWithId("submit_task_answer", { citations })} and output: ${output}; cite every field by ids of passages or by quotes, before ${timeText(form.deadline)}.`,
    ...(next === null ? [] : [`More evidence: ${callWithId("get_task_run", { offset: next })}.`]),
    ...(queries === 0
      ? []
      : [`Other words may find more: submit_task_answer with queries instead (${queries} left).`]),
  ].join(" ");
}

const SAME_AGAIN = "start it again with the same arguments (a new idempotency_key if it had one)";
const RETRY = "retry it: create_task_group with this taskgroup_id and this run_id in retry_run_ids";

function afterFailure(
  { taskgroup_id: taskgroupId }: RunFacts,
  { seen, retriedAs }: ReportRequest,
): string {
  if (retriedAs !== undefined) {
    const { runId, status } = retriedAs;
    return oneLine(`It was retried as ${runId} (${status}): read that.`, 300);
  }
  const again = taskgroupId === undefined ? SAME_AGAIN : RETRY;
  switch (seen.run.error ? failureCause(seen.run.error) : "unknown") {
    case "transient":
      return `The failure looks temporary: ${again}.`;
    case "task":
      return "Correct what the error names and start it again with create_task_run.";
    case "unknown":
      return `Correct what the error names; if the task is not at fault, ${again}, once.`;
  }
}

/** The calls that read the rest. */
function readOn(
  { outline = [] }: RunFacts,
  offset: number,
  { view, selection: { field, section, confidence } }: ReportRequest,
): string {
  const selected = {
    ...(field !== undefined && { field }),
    ...(section !== undefined && { section }),
    ...(confidence !== undefined && { confidence }),
  };
  const shownView = view === "auto" ? "output" : view;
  const onward = callWithId("get_task_run", { view: shownView, ...selected, offset });
  if (outline.length === 0) return `Read on with ${onward}.`;
  // Headings are untrusted text, so they are named in the outline only.
  return `Read a section by its name in the outline (section "…"), or read on with ${onward}.`;
}

/** `transient`: the same run may succeed. `task`: it would fail again. `unknown`: the error does not show which. */
type FailureCause = "transient" | "task" | "unknown";

/**
 * The Task API has no code for why a run failed, only `message` and an open `detail` (5.4). A list of errors in the detail
 * means that the request did not validate (15.1); a number there may be an HTTP status (15.2).
 */
const TRANSIENT_STATUS: ReadonlySet<unknown> = new Set([408, 429, 500, 502, 503, 504]);
const TASK_STATUS: ReadonlySet<unknown> = new Set([400, 413, 422]);

const TRANSIENT_WORDS =
  /\b(internal|temporar(?:y|ily)|transient|time(?:d[ -]?|-| )?out|rate[ -]limit|too many requests|overloaded|unavailable|try again|worker was lost|engine failed|connection|network|50[0234]|429)\b/i;
const TASK_WORDS =
  /\b(schema|validat(?:e|ion)|invalid|unprocessable|unsupported|not supported|malformed|too long|too large|too many fields)\b/i;

/** Whether the same run may succeed when it is started again. */
function failureCause({ message, detail }: RunError): FailureCause {
  if (isJsonObject(detail)) {
    if (Array.isArray(detail["errors"])) return "task";
    const numbers = ["status", "status_code", "code"].map((name) => Number(detail[name]));
    if (numbers.some((number) => TRANSIENT_STATUS.has(number))) return "transient";
    if (numbers.some((number) => TASK_STATUS.has(number))) return "task";
  }
  if (TRANSIENT_WORDS.test(message)) return "transient";
  return TASK_WORDS.test(message) ? "task" : "unknown";
}
