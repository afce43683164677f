import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import { type JsonObject, isJsonObject } from "../../../task-api/task-spec.ts";
import { tryParseJson } from "../../../text/json.ts";
import { PlaceNotFound } from "../../arguments/argument-problems.ts";
import { shownJson } from "../phrases.ts";
import type { RunRow } from "../run-report.ts";
import type { RunState } from "./list-pages.ts";
import { oneLine } from "./page-text.ts";
import { pickField } from "./run-views.ts";
import { shortValue, weightOf } from "./short-value.ts";

/** Weights (see `pageText`) of one row and of all rows of a page: both channels together stay under 10,000 tokens. */
export const RowBudget = {
  page: 11_000,
  question: 120,
  output: 1_200,
  error: 400,
  id: 100,
  /** Of one row: several rows stand on a page, and get_task_run shows the whole of one. */
  basis: 2_400,
  reasoning: 300,
  url: 300,
  excerpt: 200,
} as const;

/** Of an output that is cut: enough to cite, and the rest is read with the whole. */
const SOURCES_SHOWN = 3;

/** What of each output a row shows. */
export interface RowView {
  /** The evidence in place of the value. */
  isBasis: boolean;
  /** A dotted path; undefined for all of it. */
  field: string | undefined;
}

export function rowOf({ run, input, output }: RunState, view: RowView): RunRow {
  // As in the report of the run.
  const asked = run.status === "action_required" ? run.warnings?.at(-1)?.message : undefined;
  return {
    run_id: oneLine(run.run_id, RowBudget.id),
    status: oneLine(run.status, RowBudget.id),
    ...(input && { question: questionOf(input["input"]) }),
    ...(asked !== undefined && { question_asked: oneLine(asked, RowBudget.error) }),
    ...(output && outputOf(output, view)),
    ...(run.error && { error: oneLine(run.error.message, RowBudget.error) }),
  };
}

/** A row whose output has no such field shows none. */
function outputOf(output: RunOutput, { isBasis, field }: RowView): Partial<RunRow> {
  if (isBasis) return { basis: shortBasis(output.basis, field) };
  try {
    const { value, isCut } = shortValue(pickField(output, field), RowBudget.output);
    return { output: value, ...(isCut && sourcesOf(output.basis, field)) };
  } catch (error) {
    if (error instanceof PlaceNotFound) return {};
    throw error;
  }
}

function sourcesOf(basis: readonly FieldBasis[], field: string | undefined): Partial<RunRow> {
  const urls = entriesOf(basis, field).flatMap(({ citations }) =>
    (citations ?? []).flatMap(({ url }) => (url === "" ? [] : [oneLine(url, RowBudget.url)])),
  );
  const sources = [...new Set(urls)].slice(0, SOURCES_SHOWN);
  return sources.length === 0 ? {} : { sources };
}

/** The evidence of a field and of what is inside it. */
function entriesOf(basis: readonly FieldBasis[], field: string | undefined): FieldBasis[] {
  return basis.filter(
    (entry) => field === undefined || entry.field === field || entry.field.startsWith(`${field}.`),
  );
}

/** Every field with its confidence, and of reasoning and citations as much as fits a row, in turn. */
function shortBasis(basis: readonly FieldBasis[], field: string | undefined): JsonObject[] {
  const entries = entriesOf(basis, field);
  let left: number = RowBudget.basis;
  const shown: JsonObject[] = [];
  for (const [index, { field: name, confidence, reasoning, citations }] of entries.entries()) {
    // What later fields do not use is theirs who come after them.
    const share = Math.floor(left / (entries.length - index));
    const claim: JsonObject = {
      field: oneLine(name, RowBudget.id),
      ...(confidence && { confidence: oneLine(confidence, RowBudget.id) }),
      ...(reasoning && { reasoning: oneLine(reasoning, Math.min(RowBudget.reasoning, share)) }),
    };
    let room = share - weightOf(claim);
    const cited: JsonObject[] = [];
    for (const { url, title, excerpts } of citations ?? []) {
      const citation = {
        url: oneLine(url, RowBudget.url),
        ...(title && { title: oneLine(title, RowBudget.question) }),
        ...(excerpts?.[0] && { excerpt: oneLine(excerpts[0], RowBudget.excerpt) }),
      };
      room -= weightOf(citation);
      if (room < 0) break;
      cited.push(citation);
    }
    const unseen = (citations?.length ?? 0) - cited.length;
    const entry = {
      ...claim,
      ...(cited.length > 0 && { citations: cited }),
      ...(unseen > 0 && { citations_left_out: unseen }),
    };
    left -= weightOf(entry);
    if (left < 0 && shown.length > 0) {
      return [...shown, { fields_left_out: entries.length - index }];
    }
    shown.push(entry);
  }
  return shown;
}

/** The input as one line. */
export function questionOf(input: unknown): string {
  const named = typeof input === "string" ? tryParseJson(input) : input;
  const text = isJsonObject(named)
    ? Object.entries(named)
        .map(([name, value]) => `${name}: ${typeof value === "string" ? value : shownJson(value)}`)
        .join(", ")
    : typeof input === "string"
      ? input
      : shownJson(input);
  return oneLine(text, RowBudget.question);
}
