import { fence } from "./fence.ts";
import { durationText, shownJson } from "./phrases.ts";
import { outlineText } from "./reading/outline.ts";
import { documentText } from "./reading/run-views.ts";
import { rowsTable } from "./rows-table.ts";
import type { Batch, KeyCitation, RunReport, RunRow } from "./run-report.ts";

/**
 * The report as text blocks that say what its structured form says: first our own words and the caller's, then, if others
 * had anything to say, their words behind a fence.
 */
export function reportText(report: RunReport): string[] {
  const ours = ourWords(report);
  // An export stands alone, so that it can be copied as it is.
  const theirs = report.export ?? wordsOfOthers(report);
  return theirs === "" ? [ours] : [ours, fence(theirs, "the run")];
}

function ourWords(report: RunReport): string {
  const { runs = [], batches, spending, request } = report;
  const facts = factsText(report);
  return [
    report.summary,
    `Next: ${report.next_step}`,
    ...(report.notes ?? []).map((note) => `Note: ${note}`),
    ...named("run_id", report.run_id),
    ...named("taskgroup_id", report.taskgroup_id),
    ...named("interaction_id", report.interaction_id),
    ...(facts === "" ? [] : [facts]),
    ...named("resource", report.resource),
    ...named("spending", spending && spendingText(spending)),
    ...(batches === undefined ? [] : ["batches:", ...batches.map(batchText)]),
    ...(report.run_ids ?? []),
    ...(runs.length === 0 || runs.some(hasWordsOfOthers) ? [] : [rowsTable(runs)]),
    ...named("request", request === undefined ? undefined : requestText(request)),
  ].join("\n");
}

function named(label: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${label}: ${value}`];
}

/** Too long a request is a part of its text. */
function requestText(request: unknown): string {
  return typeof request === "string" ? request : shownJson(request);
}

/** One line of what the summary does not say. */
function factsText(report: RunReport): string {
  const { usual_seconds: usual, cut, citations_total: total } = report;
  const { sources_read: read, sources_considered: considered } = report;
  const parts = [
    report.processor && `processor ${report.processor}`,
    // A dry run's summary has the price.
    report.request === undefined && report.price_usd && `$${report.price_usd}`,
    usual && `usually ${durationText(usual.from)} to ${durationText(usual.to)}`,
    read !== undefined && considered !== undefined && `${read} of ${considered} sources read`,
    read !== undefined && considered === undefined && `${read} sources read`,
    report.created_at && `created ${report.created_at}`,
    cut &&
      `${report.output_type === undefined ? "" : `${report.output_type} `}shown from ${cut.offset} to ${cut.next_offset ?? cut.total} of ${cut.total} ${cut.unit}`,
    total && `${total} citations in all`,
  ];
  return parts.filter((part) => typeof part === "string").join(", ");
}

function spendingText(spending: NonNullable<RunReport["spending"]>): string {
  const { today_usd, total_usd, active_usd, budget_usd_per_day } = spending;
  return [
    `$${today_usd} today${budget_usd_per_day === undefined ? "" : ` of $${budget_usd_per_day}`}`,
    ...(active_usd === 0 ? [] : [`$${active_usd} for active runs`]),
    ...(total_usd === today_usd ? [] : [`$${total_usd} in all`]),
  ].join(", ");
}

function batchText({ from, to, outcome, reason }: Batch): string {
  return `- inputs ${from} to ${to}: ${outcome}${reason === undefined ? "" : ` (${reason})`}`;
}

/** A row's question is the caller's own; what came of it is not. */
function hasWordsOfOthers({ question_asked, output, basis, error }: RunRow): boolean {
  if (question_asked !== undefined) return true;
  return output !== undefined || basis !== undefined || error !== undefined;
}

function wordsOfOthers(report: RunReport): string {
  const { error, warnings, latest_step, outline, output, citations, basis, events } = report;
  const runs = report.runs?.some(hasWordsOfOthers) === true ? report.runs : undefined;
  const sections: [title: string, text: string | undefined][] = [
    ["The run asks", report.question_asked],
    ["error", error],
    ["warnings", warnings?.map((warning) => `- ${warning}`).join("\n")],
    ["latest_step", latest_step],
    ["outline", outline && outlineText(outline)],
    ["output", output === undefined ? undefined : documentText(output)],
    ["citations", citations?.map(citationText).join("\n")],
    ["basis", basis && itemsText(basis)],
    ["events", events?.map(eventText).join("\n")],
    ["runs", runs && rowsTable(runs)],
  ];
  const told = sections.flatMap(([title, text]) =>
    text === undefined ? [] : [{ title, text: text === "" ? "(empty)" : text }],
  );
  // An output that stands alone needs no title.
  const [first, ...others] = told;
  if (first?.title === "output" && others.length === 0) return first.text;
  return told.map(({ title, text }) => `${title}:\n${text}`).join("\n\n");
}

function eventText({ kind, message, timestamp }: NonNullable<RunReport["events"]>[number]): string {
  return `${timestamp === null ? "" : `${timestamp} `}${kind}: ${message}`;
}

/** An item a line: indentation costs tokens. */
function itemsText(items: readonly unknown[]): string {
  return items.map((item) => shownJson(item)).join("\n");
}

function citationText({ field, url, title, excerpt }: KeyCitation): string {
  const source = [title, url === "" ? undefined : `<${url}>`].filter((part) => part !== undefined);
  const lines = [`- ${field === undefined ? "" : `${field}: `}${source.join(" ")}`];
  if (excerpt !== undefined) lines.push(`  "${excerpt}"`);
  return lines.join("\n");
}
