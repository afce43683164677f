import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { AnswerForm } from "../../task-api/answer.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import type { OutputSelection } from "./reading/output-parts.ts";
import { viewAnswer, viewEvents, viewOutput } from "./reading/run-views.ts";
import { viewBasis } from "./reading/evidence.ts";
import { runUri } from "./resource-uri.ts";
import { describeRun } from "./run-facts.ts";
import { oneLine, timeText } from "./text.ts";
import type { RunReport } from "./run-report.ts";
import {
  type ReportRequest,
  runSummary,
  runNextStep,
  missingOutputReason,
} from "./run-sentences.ts";

/** The whole output, from its beginning. */
export const WHOLE_OUTPUT: OutputSelection = {
  field: undefined,
  section: undefined,
  confidence: undefined,
  offset: 0,
};

/** The report of a run as last seen, with the parts of its view. Throws `InvalidArguments` and `PartNotFound`. */
export function buildRunReport(request: ReportRequest): RunReport {
  const { seen, form = null, view, notes: others = [] } = request;
  const { notes: viewNotes = [], ...shown } = viewRun(request);
  const isAlone = shown.output === undefined && shown.basis === undefined;
  const facts = {
    ...shown,
    ...describeRun(seen, request.prices, isAlone),
    ...(form !== null && { question_asked: oneLine(form.question, QUESTION_BUDGET) }),
    ...(form !== null && view !== "status" && describeForm(form)),
  };
  const rules = form === null || view === "status" ? [] : form.rules;
  const notes = [...viewNotes, ...others, ...rules, ...readingNotes(seen)];
  const report = {
    summary: runSummary(facts, request),
    next_step: runNextStep(facts, request),
    ...(notes.length > 0 && { notes }),
  };
  if (view === "status") {
    // The polling view: agents pay for every token of it on each poll.
    const { run_id, taskgroup_id, status, is_active, percent, question_asked } = facts;
    return {
      ...report,
      run_id,
      // A failed run of a group is retried in that group.
      ...(status === "failed" && taskgroup_id !== undefined && { taskgroup_id }),
      status,
      is_active,
      ...(percent !== undefined && { percent }),
      ...(question_asked !== undefined && { question_asked }),
    };
  }
  if (view === "basis" || view === "events") {
    // The report of the answer has these.
    delete facts.processor;
    delete facts.price_usd;
    delete facts.created_at;
  }
  if (view === "basis" || view === "output") delete facts.warnings;
  return {
    ...report,
    ...facts,
    ...(facts.cut !== undefined &&
      facts.output !== undefined && { resource: runUri(facts.run_id, "output") }),
  };
}

/** A page of text. */
const QUESTION_BUDGET = 2_000;

/** What the answer needs, and the evidence for it. */
function describeForm(form: AnswerForm): Pick<RunReport, "answer_form" | "evidence"> {
  const { output_schema, output_description, deadline, tries_left, queries_left } = form;
  const { passages, offset, next_offset, passages_total } = form;
  return {
    answer_form: {
      ...(output_schema !== null && { output_schema }),
      ...(output_description !== null && { output_description }),
      deadline: timeText(deadline),
      tries_left,
      queries_left,
      evidence: `${passages.length} passages from ${offset} of ${passages_total}`,
      ...(next_offset !== null && { next_offset }),
    },
    evidence: passages.map(({ id, title, url, heading, place, text }) => ({
      id,
      title,
      ...(heading !== "" && { heading }),
      ...(place !== null && { place }),
      url,
      text,
    })),
  };
}

function viewRun({ seen, view, selection }: ReportRequest): Partial<RunReport> {
  if (view === "events") return viewEvents(seen, selection);
  const { output } = seen;
  if (output === null) return {};
  switch (view) {
    case "status":
      return {};
    case "auto":
      return viewAnswer(output, selection);
    case "output":
      return viewOutput(output, selection);
    case "basis":
      return viewBasis(output, selection);
  }
}

/** Names in one note: enough to diagnose the backend. */
const UNREADABLE_SHOWN = 10;

/** Notes on what of a run could not be read or followed. */
export function readingNotes(seen: RunSnapshot): string[] {
  const { run, output } = seen;
  const missing = missingOutputReason(seen);
  const parts = [
    ...unreadableOf(run),
    ...(output === null ? [] : unreadableOf(output)).map((path) =>
      path === "" ? "output" : `output.${path}`,
    ),
  ];
  return [
    ...(missing === null ? [] : [`The output could not be read. ${missing}`]),
    ...(seen.staleReason !== null && run.is_active
      ? [`Progress may be out of date: ${seen.staleReason}`]
      : []),
    ...unreadableNotes(parts),
  ];
}

/** The note on fields of the backend's answer that do not match the Task API. */
export function unreadableNotes(parts: readonly string[]): string[] {
  if (parts.length === 0) return [];
  const names = [...new Set(parts)];
  const more =
    names.length > UNREADABLE_SHOWN ? ` and ${names.length - UNREADABLE_SHOWN} more` : "";
  return [
    `The backend's answer does not match the Task API. Left out, derived or shown as JSON: ${names.slice(0, UNREADABLE_SHOWN).join(", ")}${more}.`,
  ];
}
