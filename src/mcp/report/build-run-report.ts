import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import { type ReadingPlace } from "./reading/output-parts.ts";
import { viewAnswer, viewEvents, viewOutput } from "./reading/run-views.ts";
import { viewBasis } from "./reading/evidence.ts";
import { runUri } from "./resource-uri.ts";
import { describeRun } from "./run-facts.ts";
import type { RunFacts, RunReport } from "./run-report.ts";
import { type ReportRequest, describeStatus, nextStep, outputTrouble } from "./run-sentences.ts";

/** All of a run, from its beginning. */
export const WHOLE: ReadingPlace = {
  field: undefined,
  section: undefined,
  confidence: undefined,
  offset: 0,
};

/** Reports a run as it was last seen, with what the view shows of it. Throws `InvalidArguments` and `PlaceNotFound`. */
export function composeReport(request: ReportRequest): RunReport {
  const { seen, view, notes: others = [] } = request;
  const { notes: viewNotes = [], ...shown } = viewRun(request);
  const isAlone = shown.output === undefined && shown.basis === undefined;
  const facts = { ...shown, ...describeRun(seen, request.prices, isAlone) };
  const notes = [...viewNotes, ...others, ...readingNotes(seen)];
  const report = {
    summary: describeStatus(facts, request),
    next_step: nextStep(facts, request),
    ...(notes.length > 0 && { notes }),
  };
  if (view === "status") {
    // Polling callers pay for every token of it each time.
    const { run_id, taskgroup_id, status, is_active, percent, question_asked } = facts;
    return {
      ...report,
      run_id,
      // A run of a group is retried in it.
      ...(status === "failed" && taskgroup_id !== undefined && { taskgroup_id }),
      status,
      is_active,
      ...(percent !== undefined && { percent }),
      ...(question_asked !== undefined && { question_asked }),
    };
  }
  if (view === "basis" || view === "events") {
    // The answer, which was read before or is read next, says these.
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

/** Names in one note: enough to see what is wrong with an answer. */
const UNREADABLE_SHOWN = 10;

/** What of a run and its output could not be read or watched, and why. */
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
    ...(seen.trouble !== null && run.is_active
      ? [`Watching the run is impaired: ${seen.trouble}`]
      : []),
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
