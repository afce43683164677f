import { fence } from "./fence.ts";
import { durationText } from "./phrases.ts";
import type { KeyCitation, RunReport } from "./run-report.ts";
import { documentText } from "./run-views.ts";

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
  const { status, is_active, price_usd, usual_seconds, cut } = report;
  const facts: [label: string, value: string | number | undefined][] = [
    ["outcome", report.outcome],
    ["run_id", report.run_id],
    ["status", status && `${status} (${is_active === true ? "active" : "not active"})`],
    ["processor", report.processor],
    ["price_usd", price_usd],
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
    [
      "cut",
      cut &&
        `shown from character ${cut.offset} to ${cut.next_offset ?? cut.total_chars} of ${cut.total_chars}`,
    ],
    ["ignored_arguments", report.ignored_arguments?.join(", ")],
  ];
  const lines = facts.flatMap(([label, value]) =>
    value === undefined ? [] : [`${label}: ${value}`],
  );
  return [report.summary, `Next: ${report.next_step}`, "", ...lines].join("\n");
}

function runWords(report: RunReport): string {
  const { error, warnings, latest_step, output, citations, basis, events } = report;
  const sections: [title: string, text: string | undefined][] = [
    ["error", error],
    ["warnings", warnings?.map((warning) => `- ${warning}`).join("\n")],
    ["latest_step", latest_step],
    ["output", output === undefined ? undefined : documentText(output)],
    ["citations", citations?.length === 0 ? undefined : citations?.map(citationText).join("\n")],
    ["basis", basis === undefined ? undefined : documentText(basis)],
    ["events", events === undefined ? undefined : documentText(events)],
  ];
  return sections
    .flatMap(([title, text]) =>
      text === undefined ? [] : [`${title}:\n${text === "" ? "(empty)" : text}`],
    )
    .join("\n\n");
}

function citationText({ field, url, title, excerpt }: KeyCitation): string {
  const lines = [`- ${field}: ${title === undefined ? "" : `${title} `}<${url}>`];
  if (excerpt !== undefined) lines.push(`  "${excerpt}"`);
  return lines.join("\n");
}
