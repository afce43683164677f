import { type TaskRun, isOver } from "../task-api/run.ts";
import { cutText } from "../text/cut-text.ts";

/** A reason in a list; the backend keeps the rest. */
const ERROR_MAX_CHARS = 1_000;

export type SeenRun = Pick<
  TaskRun,
  "status" | "is_active" | "interaction_id" | "modified_at" | "error"
>;

/** What of a run is written down, as columns. */
export function readState(run: SeenRun, nowMs: number) {
  const { status, is_active, interaction_id, modified_at, error } = run;
  const modifiedMs = readTime(modified_at);
  return {
    status,
    is_active: is_active ? 1 : 0,
    interaction_id: interaction_id ?? null,
    error: error ? cutText(error.message, ERROR_MAX_CHARS) : null,
    modified_ms: modifiedMs,
    finished_ms: isOver(run) ? (modifiedMs ?? nowMs) : null,
  };
}

/** Backends may leave a time out, or write it in a way of their own: then it is not known. */
function readTime(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : ms;
}
