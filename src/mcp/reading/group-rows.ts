import { BackendUnreachable, TaskApiError } from "../../client/errors.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import type { FieldBasis, RunOutput } from "../../task-api/output.ts";
import type { TaskGroupRunEvent } from "../../task-api/task-group.ts";
import { shownJson } from "../phrases.ts";
import type { RunRow } from "../run-report.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { PlaceNotFound } from "../argument-problems.ts";
import { oneLine, pageText } from "./page-text.ts";
import { pickField } from "./run-views.ts";

/** Weights (see `pageText`) of one row and of all rows of a page: both channels together stay under 10,000 tokens. */
const RowBudget = {
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

/** What of each output a row shows. */
export interface RowView {
  /** The evidence in place of the value. */
  isBasis: boolean;
  /** A dotted path; undefined for all of it. */
  field: string | undefined;
}

/** A list that ends early is read on from where it ended, this often without a new row. */
const FRUITLESS_STREAMS = 2;
/** The same with new rows: a list that brings them one by one has a cursor to go on with. */
const MAX_STREAMS = 20;

type RunState = Extract<TaskGroupRunEvent, { type: "task_run.state" }>;

/** A page of runs. */
export interface RowPage {
  rows: RunRow[];
  /** There are more, as far as is known. */
  isCut: boolean;
  /** Leads to them, if the backend numbers its runs. */
  nextCursor: string | null;
  /** How many runs should be here that no reading brought; null when only that the list broke off is known. */
  missing: number | null;
  /** Why reading broke off, in our words; null when it did not. */
  trouble: string | null;
  /** Paths of what could not be read of the rows. */
  unreadable: string[];
}

/**
 * Reads rows until the page is full; the rest of the list is not fetched. A list that ends before it has brought the
 * `expected` number of runs (null: not known) is read again from there, a bounded number of times: the end of a stream
 * does not tell whether it was cut. `onState` sees every run that is read.
 */
export async function readRows(
  open: (lastEventId: string | undefined) => AsyncIterable<TaskGroupRunEvent>,
  {
    limit,
    cursor,
    view,
    expected,
    isMeant,
    onState,
  }: {
    limit: number;
    cursor: string | undefined;
    view: RowView;
    expected: number | null;
    isMeant: (run: RunState["run"]) => boolean;
    onState: (state: RunState) => Promise<void>;
  },
): Promise<RowPage> {
  const place = readCursor(cursor);
  let first = place.first;
  const rows: RunRow[] = [];
  const seen = new Set<string>();
  const unreadable = new Set<string>();
  let { lastEventId } = place;
  let left: number = RowBudget.page;
  let trouble: string | null = null;
  let fruitless = 0;

  const missing = (): number | null =>
    expected === null || place.shown === null
      ? trouble === null
        ? 0
        : null
      : Math.max(0, expected - place.shown - rows.length);
  const nextCursor = (): string | null => {
    if (lastEventId === undefined) return null;
    return place.shown === null
      ? lastEventId
      : `${place.shown + rows.length}~${first}~${lastEventId}`;
  };
  const page = (isCut: boolean): RowPage => ({
    rows,
    isCut,
    nextCursor: isCut ? nextCursor() : null,
    missing: isCut ? 0 : missing(),
    trouble,
    unreadable: [...unreadable],
  });

  for (let streams = 0; streams < MAX_STREAMS && fruitless < FRUITLESS_STREAMS; streams += 1) {
    const before = rows.length;
    // Of a list that begins anew in spite of the cursor, what the pages before have shown.
    let shownBefore = 0;
    trouble = null;
    try {
      for await (const event of open(lastEventId)) {
        if (event.type !== "task_run.state") {
          trouble = "The backend reported an error in its list of runs.";
          continue;
        }
        const { run_id } = event.run;
        const isNew = isMeant(event.run) && !seen.has(run_id);
        if (isNew && run_id === place.first) shownBefore = place.shown ?? 0;
        if (isNew && shownBefore > 0) {
          shownBefore -= 1;
        } else if (isNew) {
          if (first === "") first = run_id;
          const row = rowOf(event, view);
          left -= Buffer.byteLength(JSON.stringify(row));
          if (rows.length > 0 && (left < 0 || rows.length === limit)) {
            trouble = null;
            return page(true);
          }
          await onState(event);
          rows.push(row);
          seen.add(run_id);
          for (const path of unreadableOf(event)) unreadable.add(path);
        }
        lastEventId = event.event_id || lastEventId;
      }
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      trouble = error.message;
      // Other failures were waited for already, and would only be met again.
      if (!(error instanceof BackendUnreachable)) break;
    }
    if (missing() === 0) break;
    fruitless = rows.length > before ? 0 : fruitless + 1;
  }
  const isWhole = missing() === 0;
  if (isWhole) trouble = null;
  return {
    ...page(false),
    nextCursor: isWhole || rows.length === 0 ? null : nextCursor(),
  };
}

/**
 * A cursor says how many rows came before it, so that the last page knows whether any are missing; and the first of
 * them, which tells a list that is read on from one that begins anew.
 */
function readCursor(cursor: string | undefined): {
  shown: number | null;
  first: string;
  lastEventId: string | undefined;
} {
  if (cursor === undefined) return { shown: 0, first: "", lastEventId: undefined };
  const [, shown, first = "", id] = /^(\d{1,9})~([^~]*)~(.+)$/s.exec(cursor) ?? [];
  return shown === undefined
    ? { shown: null, first, lastEventId: cursor }
    : { shown: Number(shown), first, lastEventId: id };
}

function rowOf({ run, input, output }: RunState, view: RowView): RunRow {
  return {
    run_id: oneLine(run.run_id, RowBudget.id),
    status: oneLine(run.status, RowBudget.id),
    ...(input && { question: questionOf(input["input"]) }),
    ...(output && outputOf(output, view)),
    ...(run.error && { error: oneLine(run.error.message, RowBudget.error) }),
  };
}

/** A row whose output has no such field shows none. */
function outputOf(output: RunOutput, { isBasis, field }: RowView): Partial<RunRow> {
  if (isBasis) return { basis: shortBasis(output.basis, field) };
  try {
    return { output: shortValue(pickField(output, field)) };
  } catch (error) {
    if (error instanceof PlaceNotFound) return {};
    throw error;
  }
}

/** Every field with its confidence, and of reasoning and citations as much as fits a row, in turn. */
function shortBasis(basis: readonly FieldBasis[], field: string | undefined): JsonObject[] {
  const entries = basis.filter(
    (entry) => field === undefined || entry.field === field || entry.field.startsWith(`${field}.`),
  );
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

function weightOf(value: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** The input as one line. */
export function questionOf(input: unknown): string {
  return oneLine(typeof input === "string" ? input : shownJson(input), RowBudget.question);
}

/** The value when it is short; of a long one, the beginning of its text, which ends in `…`. */
function shortValue(content: unknown): unknown {
  const text = typeof content === "string" ? content : shownJson(content);
  const page = pageText(text, 0, RowBudget.output);
  return page.nextOffset === null ? content : `${page.text}…`;
}
