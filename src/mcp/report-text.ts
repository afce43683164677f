import { fence } from "./fence.ts";
import { durationText } from "./phrases.ts";
import { outlineText } from "./reading/outline.ts";
import { documentText } from "./reading/run-views.ts";
import { rowsTable } from "./rows-table.ts";
import type { Batch, KeyCitation, RunReport } from "./run-report.ts";

/**
 * The report as text blocks that say what its structured form says: first our own words, then, if the run had anything
 * to say, its words behind a fence.
 */
export function reportText(report: RunReport): string[] {
  const ours = ourWords(report);
  const theirs = runWords(report);
  return theirs === "" ? [ours] : [ours, fence(theirs)];
}

function ourWords(report: RunReport): string {
  const { status, is_active, usual_seconds, counts, wait, cut, spending } = report;
  const facts: [label: string, value: string | number | undefined | null | false][] = [
    ["outcome", report.outcome],
    ["run_id", report.run_id],
    ["taskgroup_id", report.taskgroup_id],
    ["status", status && `${status} (${is_active === true ? "active" : "not active"})`],
    // A group has no status of its own.
    ["is_active", status === undefined && is_active !== undefined && String(is_active)],
    ["counts", counts && countsText(counts)],
    ["processor", report.processor],
    ["price_usd", report.price_usd],
    [
      "usual_seconds",
      usual_seconds &&
        `${usual_seconds.from} to ${usual_seconds.to} (${durationText(usual_seconds.from)} to ${durationText(usual_seconds.to)})`,
    ],
    ["percent", report.percent],
    ["sources_read", report.sources_read],
    ["sources_considered", report.sources_considered],
    ["created_at", report.created_at],
    ["modified_at", report.modified_at],
    ["interaction_id", report.interaction_id],
    ["output_type", report.output_type],
    ["citations_total", report.citations_total],
    ["wait", wait && waitText(wait)],
    [
      "cut",
      cut &&
        `shown from ${cut.offset} to ${cut.next_offset ?? cut.total} of ${cut.total} ${cut.unit}`,
    ],
    ["resource", report.resource],
    ["spending", spending && spendingText(spending)],
    ["next_cursor", report.next_cursor],
    ["ignored_arguments", report.ignored_arguments?.join(", ")],
  ];
  const lines = facts.flatMap(([label, value]) =>
    value === undefined || value === null || value === false ? [] : [`${label}: ${value}`],
  );
  return [
    report.summary,
    `Next: ${report.next_step}`,
    ...(report.notes ?? []).map((note) => `Note: ${note}`),
    "",
    ...lines,
    ...(report.batches === undefined ? [] : ["batches:", ...report.batches.map(batchText)]),
  ].join("\n");
}

function countsText(counts: NonNullable<RunReport["counts"]>): string {
  const parts = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
  return parts.length === 0 ? "no runs" : parts.join(", ");
}

function waitText({ asked_seconds, applied_seconds, why }: NonNullable<RunReport["wait"]>): string {
  const asked = asked_seconds === undefined ? "" : `asked ${asked_seconds} s, `;
  return `${asked}applied ${applied_seconds} s (${why})`;
}

function spendingText(spending: NonNullable<RunReport["spending"]>): string {
  const { today_usd, total_usd, active_usd, budget_usd_per_day } = spending;
  const budget = budget_usd_per_day === undefined ? "" : ` of $${budget_usd_per_day} a day`;
  return `$${today_usd} today${budget}, $${active_usd} of it for active runs, $${total_usd} in all`;
}

function batchText({ from, to, outcome, reason }: Batch): string {
  return `- inputs ${from} to ${to}: ${outcome}${reason === undefined ? "" : ` (${reason})`}`;
}

function runWords(report: RunReport): string {
  const { error, warnings, latest_step, outline, output, citations, basis, events, runs } = report;
  const sections: [title: string, text: string | undefined][] = [
    ["error", error],
    ["warnings", warnings?.map((warning) => `- ${warning}`).join("\n")],
    ["latest_step", latest_step],
    ["outline", outline && outlineText(outline)],
    ["output", output === undefined ? undefined : documentText(output)],
    ["citations", citations?.length === 0 ? undefined : citations?.map(citationText).join("\n")],
    ["basis", basis === undefined ? undefined : documentText(basis)],
    ["events", events === undefined ? undefined : documentText(events)],
    ["runs", runs === undefined || runs.length === 0 ? undefined : rowsTable(runs)],
    ["request", report.request === undefined ? undefined : documentText(report.request)],
  ];
  return sections
    .flatMap(([title, text]) =>
      text === undefined ? [] : [`${title}:\n${text === "" ? "(empty)" : text}`],
    )
    .join("\n\n");
}

function citationText({ field, url, title, excerpt }: KeyCitation): string {
  const source = [title, url === "" ? undefined : `<${url}>`].filter((part) => part !== undefined);
  const lines = [`- ${field}: ${source.join(" ")}`];
  if (excerpt !== undefined) lines.push(`  "${excerpt}"`);
  return lines.join("\n");
}
