import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { TaskGroupRunEvent } from "../../../task-api/task-group.ts";
import { type JsonObject, isJsonObject } from "../../../task-api/task-spec.ts";
import { tryParseJson } from "../../../text/json.ts";
import { PartNotFound } from "../../arguments/argument-problems.ts";
import type { RunRow } from "../run-report.ts";
import { oneLine, shownJson } from "../text.ts";
import { evidenceFor } from "./evidence.ts";
import { pickField } from "./output-parts.ts";
import { shortValue, weightOf } from "./pages.ts";

/** A run as the list of a group's runs has it. */
export type GroupRunState = Extract<TaskGroupRunEvent, { type: "task_run.state" }>;

/** Weights (see `pageText`) of a page of rows and of one row. Both channels of a page stay under 10,000 tokens. */
export const RowBudget = {
  page: 11_000,
  question: 120,
  output: 1_200,
  error: 400,
  id: 100,
  /** The budget of one row's basis; get_task_run shows a whole basis. */
  basis: 2_400,
  reasoning: 300,
  url: 300,
  excerpt: 200,
} as const;

/** Sources beside an output that is cut; get_task_run shows the rest. */
const SOURCES_SHOWN = 3;

/** The part of its output that a row shows. */
export interface RowView {
  /** Shows the evidence instead of the value. */
  isBasis: boolean;
  /** A dotted path; undefined for the whole output. */
  field: string | undefined;
}

export function rowOf({ run, input, output }: GroupRunState, view: RowView): RunRow {
  // The last warning of a run in `action_required` is its question: see `describeRun`.
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

/** Empty when the output has no such field. */
function outputOf(output: RunOutput, { isBasis, field }: RowView): Partial<RunRow> {
  if (isBasis) return { basis: shortBasis(output.basis, field) };
  try {
    const { value, isCut } = shortValue(pickField(output, field), RowBudget.output);
    return { output: value, ...(isCut && sourcesOf(output.basis, field)) };
  } catch (error) {
    if (error instanceof PartNotFound) return {};
    throw error;
  }
}

function sourcesOf(basis: readonly FieldBasis[], field: string | undefined): Partial<RunRow> {
  const urls = evidenceFor(basis, field).flatMap(({ citations }) =>
    (citations ?? []).flatMap(({ url }) => (url === "" ? [] : [oneLine(url, RowBudget.url)])),
  );
  const sources = [...new Set(urls)].slice(0, SOURCES_SHOWN);
  return sources.length === 0 ? {} : { sources };
}

/** Every field with its confidence, and as much reasoning and as many citations as fit its share of the row. */
function shortBasis(basis: readonly FieldBasis[], field: string | undefined): JsonObject[] {
  const entries = evidenceFor(basis, field);
  let left: number = RowBudget.basis;
  const shown: JsonObject[] = [];
  for (const [index, { field: name, confidence, reasoning, citations }] of entries.entries()) {
    // Later fields share what earlier fields did not use.
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

/** The input on one line. */
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
