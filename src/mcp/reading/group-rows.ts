import type { TaskGroupRunEvent } from "../../task-api/task-group.ts";
import type { RunRow } from "../run-report.ts";
import { oneLine, pageText } from "./page-text.ts";

/** Weights (see `pageText`) of one row and of all rows of a page: both channels together stay under 10,000 tokens. */
const RowBudget = { page: 11_000, question: 120, output: 1_200, error: 400, id: 100 } as const;

type RunState = Extract<TaskGroupRunEvent, { type: "task_run.state" }>;

/** A page of runs. */
export interface RowPage {
  rows: RunRow[];
  /** There are more. */
  isCut: boolean;
  /** Leads to them, if the backend numbers its runs. */
  nextCursor: string | null;
}

/**
 * Reads rows until the page is full; the rest of the stream is not fetched. `onState` sees every run that is read.
 * An `error` event of the stream says nothing about a run and is passed over.
 */
export async function readRows(
  events: AsyncIterable<TaskGroupRunEvent>,
  { limit, onState }: { limit: number; onState: (state: RunState) => Promise<void> },
): Promise<RowPage> {
  const rows: RunRow[] = [];
  let left: number = RowBudget.page;
  let cursor: string | null = null;
  for await (const event of events) {
    if (event.type !== "task_run.state") continue;
    const row = rowOf(event);
    left -= Buffer.byteLength(JSON.stringify(row));
    if (rows.length > 0 && (left < 0 || rows.length === limit)) {
      return { rows, isCut: true, nextCursor: cursor };
    }
    await onState(event);
    rows.push(row);
    cursor = event.event_id ?? cursor;
  }
  return { rows, isCut: false, nextCursor: null };
}

function rowOf({ run, input, output }: RunState): RunRow {
  return {
    run_id: oneLine(run.run_id, RowBudget.id),
    status: oneLine(run.status, RowBudget.id),
    ...(input && { question: questionOf(input["input"]) }),
    ...(output && { output: shortValue(output.content) }),
    ...(run.error && { error: oneLine(run.error.message, RowBudget.error) }),
  };
}

/** The input as one line. */
export function questionOf(input: unknown): string {
  return oneLine(typeof input === "string" ? input : JSON.stringify(input), RowBudget.question);
}

/** The value when it is short; of a long one, the beginning of its text, which ends in `…`. */
function shortValue(content: unknown): unknown {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const page = pageText(text, 0, RowBudget.output);
  return page.nextOffset === null ? content : `${page.text}…`;
}
