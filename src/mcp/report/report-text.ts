import { isJsonObject } from "../../task-api/task-spec.ts";
import { documentText } from "./reading/run-views.ts";
import type {
  Batch,
  KeyCitation,
  RunReport,
  RunRow,
  SectionEntry,
  SeenDocument,
  SeenPassage,
} from "./run-report.ts";
import { durationText, markdownTable, shownJson, wrapUntrusted } from "./text.ts";

/**
 * The report as text blocks, with the same content as its structured form: first our own words and the caller's, then, in
 * a block of its own, untrusted text.
 */
export function reportText(report: RunReport): string[] {
  const ours = ourWords(report);
  // An export stands alone, so that it can be copied unchanged.
  const theirs = report.export ?? wordsOfOthers(report);
  return theirs === "" ? [ours] : [ours, wrapUntrusted(theirs, "the run")];
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
    ...named("answer_form", report.answer_form && shownJson(report.answer_form)),
    ...named("request", request === undefined ? undefined : requestText(request)),
  ].join("\n");
}

function named(label: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${label}: ${value}`];
}

/** A request that is too long arrives as a part of its text. */
function requestText(request: unknown): string {
  return typeof request === "string" ? request : shownJson(request);
}

/** One line of facts that the summary does not mention. */
function factsText(report: RunReport): string {
  const { usual_seconds: usual, cut, citations_total: total } = report;
  const { sources_read: read, sources_considered: considered } = report;
  const parts = [
    report.processor && `processor ${report.processor}`,
    // The summary of a dry run has the price.
    report.request === undefined && report.price_usd && `$${report.price_usd}`,
    usual && `usually ${durationText(usual.from)} to ${durationText(usual.to)}`,
    read !== undefined &&
      considered !== undefined &&
      `${read} of ${considered} ${considered === 1 ? "source" : "sources"} read`,
    read !== undefined &&
      considered === undefined &&
      `${read} ${read === 1 ? "source" : "sources"} read`,
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

/** Whether a row holds untrusted text. Its question is the caller's own. */
function hasWordsOfOthers({ question_asked, output, basis, error }: RunRow): boolean {
  if (question_asked !== undefined) return true;
  return output !== undefined || basis !== undefined || error !== undefined;
}

function wordsOfOthers(report: RunReport): string {
  const { error, warnings, latest_step, outline, output, citations, basis, documents, events } =
    report;
  const runs = report.runs?.some(hasWordsOfOthers) === true ? report.runs : undefined;
  const sections: [title: string, text: string | undefined][] = [
    ["The run asks", report.question_asked],
    ["evidence", report.evidence?.map(evidenceText).join("\n\n")],
    ["error", error],
    ["warnings", warnings?.map((warning) => `- ${warning}`).join("\n")],
    ["latest_step", latest_step],
    ["outline", outline && outlineText(outline)],
    ["output", output === undefined ? undefined : documentText(output)],
    ["citations", citations?.map(citationText).join("\n")],
    ["basis", basis && itemsText(basis)],
    ["documents", documents?.map(documentWithPassages).join("\n\n")],
    ["events", events?.map(eventText).join("\n")],
    ["runs", runs && rowsTable(runs)],
  ];
  const shown = sections.flatMap(([title, text]) =>
    text === undefined ? [] : [{ title, text: text === "" ? "(empty)" : text }],
  );
  // An output alone needs no title.
  const [first, ...others] = shown;
  if (first?.title === "output" && others.length === 0) return first.text;
  return shown.map(({ title, text }) => `${title}:\n${text}`).join("\n\n");
}

/** The id and where it is from on one line, then the passage as it is. */
function evidenceText(passage: NonNullable<RunReport["evidence"]>[number]): string {
  const { id, title, heading, place, url, text } = passage;
  const path = [title, heading, place]
    .filter((part) => part !== undefined)
    .map(String)
    .join(" › ");
  return `[${String(id)}] ${path} <${String(url)}>\n${String(text)}`;
}

function eventText({ kind, message, timestamp }: NonNullable<RunReport["events"]>[number]): string {
  return `${timestamp === null ? "" : `${timestamp} `}${kind}: ${message}`;
}

/** Indented by level, as a table of contents. */
function outlineText(entries: readonly SectionEntry[]): string {
  const top = Math.min(...entries.map(({ level }) => level));
  return entries
    .map(
      ({ section, level, chars }) =>
        `${"  ".repeat(level - top)}- ${section} (${chars} characters)`,
    )
    .join("\n");
}

/** The document in one line, then its passages in blocks or its headings in lines. */
export function documentWithPassages(document: SeenDocument): string {
  const { id, title, url, published_on: published, passage_count: count, passages } = document;
  const facts = [`${count} passages`, ...(published === undefined ? [] : [published])].join(", ");
  const isOutline = passages.every(({ text }) => text === undefined);
  return [`${id} ${title} <${url}> (${facts})`, ...passages.map(passageText)].join(
    isOutline ? "\n" : "\n\n",
  );
}

function passageText({ id, heading, place, url, text, not_kept: isGone }: SeenPassage): string {
  const facts = [heading, place, url && `<${url}>`].filter((part) => part !== undefined);
  const line = [id, ...facts].join(" · ");
  return text === undefined ? `- ${line}${isGone ? " (not kept)" : ""}` : `[${line}]\n${text}`;
}

/** One item per line: indentation costs tokens. */
function itemsText(items: readonly unknown[]): string {
  return items.map((item) => shownJson(item)).join("\n");
}

function citationText({ field, url, title, excerpt }: KeyCitation): string {
  const source = [title, url === "" ? undefined : `<${url}>`].filter((part) => part !== undefined);
  const lines = [`- ${field === undefined ? "" : `${field}: `}${source.join(" ")}`];
  if (excerpt !== undefined) lines.push(`  "${excerpt}"`);
  return lines.join("\n");
}

/** A Markdown table of the columns that any row fills; the fields of outputs have their own columns. */
function rowsTable(rows: readonly RunRow[]): string {
  const fields = fieldsOf(rows);
  const names = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined));
  const columns = names.flatMap((name) =>
    name === "output" && fields.length > 0
      ? fields.map((field) => columnOf(field))
      : [ownColumn(name)],
  );
  return markdownTable(
    columns.map(({ title }) => cellText(title)),
    rows.map((row) => columns.map(({ valueIn }) => cellText(valueIn(row)))),
  );
}

const COLUMNS = [
  "run_id",
  "status",
  "question",
  "question_asked",
  "output",
  "sources",
  "basis",
  "error",
  "retried_as",
  "processor",
  "price_usd",
  "taskgroup_id",
  "created_at",
  "counts",
] as const satisfies (keyof RunRow)[];
type ColumnName = (typeof COLUMNS)[number];

interface Column {
  title: string;
  valueIn: (row: RunRow) => unknown;
}

function ownColumn(name: ColumnName): Column {
  return {
    title: name,
    valueIn: (row) => {
      if (name === "sources") return row.sources?.join(" ");
      if (name === "status" && row.percent !== undefined) return `${row.status} ${row.percent}%`;
      return row[name];
    },
  };
}

function columnOf(field: string): Column {
  const isTaken = COLUMNS.some((name) => name === field);
  return {
    title: isTaken ? `output.${field}` : field,
    valueIn: ({ output }) => (isJsonObject(output) ? output[field] : undefined),
  };
}

/** The fields of the outputs; none when some output is no object, or when most cells would be empty. */
function fieldsOf(rows: readonly RunRow[]): string[] {
  const outputs = rows.flatMap(({ output }) => (output === undefined ? [] : [output]));
  const objects = outputs.filter(isJsonObject);
  if (objects.length < outputs.length) return [];
  const names = objects.flatMap((output) => Object.keys(output));
  const fields = [...new Set(names)];
  return 2 * names.length < fields.length * objects.length ? [] : fields;
}

/** JSON stays JSON: characters that end a cell or a line become JSON escapes. */
function cellText(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  return shownJson(value).replaceAll(
    /[|\u0085\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
