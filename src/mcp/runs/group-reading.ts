import type { RunStatus } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import type { ExportFormat } from "../report/resource-uri.ts";
import { readStatuses, runStatuses } from "../arguments/filter-words.ts";
import type { Wait } from "../report/run-sentences.ts";

export const GROUP_VIEWS = ["auto", "status", "results", "basis", "failures", "export"] as const;
export type GroupView = (typeof GROUP_VIEWS)[number];

/** What of a group to read. */
export interface GroupReading {
  view: GroupView;
  /** As the caller named them. */
  status?: string | undefined;
  /** Only this field of each output. */
  field?: string | undefined;
  format?: ExportFormat | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  /** How long the call waited before this was seen. */
  wait?: Wait;
}

const DEFAULT_ROWS = 20;
export const MAX_ROWS = 100;
/** Of an export, whose rows are short where they are many; the size of a page bounds them. */
const MAX_EXPORT_ROWS = 1_000;

/** The statuses of the rows to show; null for no rows. What asks back is shown unasked: nothing goes on without an answer. */
export function statusesOf(
  { view, status }: GroupReading,
  group: TaskGroup,
): readonly string[] | null {
  if (status !== undefined) return runStatuses(readStatuses(status) ?? []);
  if (view !== "auto") return view === "status" ? null : statusesOfView(view);
  const { is_active: isActive, task_run_status_counts: counts } = group.status;
  const asking = (counts["action_required"] ?? 0) > 0 ? ["action_required"] : [];
  if (!isActive) return ["completed", ...asking];
  return asking.length === 0 ? null : asking;
}

/** Those of which a view shows the rows in any case. */
export function statusesOfView(view: GroupView): readonly RunStatus[] {
  switch (view) {
    case "auto":
    case "status":
      return [];
    case "results":
    case "basis":
    case "export":
      return ["completed"];
    case "failures":
      return ["failed"];
  }
}

/** `limit` as far as a page goes. */
export function limitOf({ view, limit }: GroupReading): number {
  const isExport = view === "export";
  return Math.min(limit ?? (isExport ? MAX_EXPORT_ROWS : DEFAULT_ROWS), maxRows(view));
}

function maxRows(view: GroupView): number {
  return view === "export" ? MAX_EXPORT_ROWS : MAX_ROWS;
}

export function limitNotes({ view, limit = 0 }: GroupReading): string[] {
  const most = maxRows(view);
  return limit > most ? [`limit lowered to ${most}.`] : [];
}
