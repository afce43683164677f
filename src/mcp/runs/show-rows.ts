import type { RunStatus } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { isKnownStatus } from "../report/group-report.ts";
import { exportUri, type ExportFormat } from "../report/resource-uri.ts";
import { type ExportRow, exportRowOf, exportText } from "../report/reading/export-rows.ts";
import { RowBudget, rowOf, type GroupRunState } from "../report/reading/rows.ts";
import type { ListPage } from "./list-pages.ts";
import { oneLine } from "../report/text.ts";
import { weightOf } from "../report/reading/pages.ts";
import type { RunReport, RunRow } from "../report/run-report.ts";
import type { Wait } from "../report/run-sentences.ts";
import { readStatuses, runStatuses } from "../arguments/filter-words.ts";
import type { OpenCall } from "./call-context.ts";
import { type ReadGroup, readGroupPage } from "./read-group.ts";

export const GROUP_VIEWS = ["auto", "status", "results", "basis", "failures", "export"] as const;
export type GroupView = (typeof GROUP_VIEWS)[number];

/** What to read of a group. */
export interface GroupReading {
  view: GroupView;
  /** The statuses as the caller wrote them. */
  status?: string | undefined;
  /** Only this field of each output. */
  field?: string | undefined;
  format?: ExportFormat | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  /** How long the call waited before the group was read. */
  wait?: Wait;
}

const DEFAULT_ROWS = 20;
export const MAX_ROWS = 100;
/** The limit for an export: its rows are short where there are many, and the size of a page bounds them. */
const MAX_EXPORT_ROWS = 1_000;

/** The statuses of the rows to show; null for no rows. Runs in `action_required` always show: they wait for an answer. */
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

/** The statuses whose rows a view always shows. */
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

/** Ids named in a note. */
const IDS_SHOWN = 5;

/** A page of rows as it is shown, with notes about it. */
export interface ShownRows {
  statuses: readonly string[];
  page: Omit<ListPage<unknown>, "items">;
  count: number;
  /** Every row lacks the field that was asked for. */
  isFieldUnknown: boolean;
  notes: string[];
  facts: Partial<RunReport>;
}

/** Reads the page of rows that a view shows. Throws what the client throws. */
export async function showRows(
  seen: ReadGroup,
  statuses: readonly string[],
  reading: GroupReading,
  call: OpenCall,
): Promise<ShownRows> {
  const { view, field, format = "csv", cursor } = reading;
  const request = {
    statuses,
    cursor,
    limit: limitOf(reading),
    budget: RowBudget.page,
    isRecorded: view !== "export",
  };
  if (view === "export") {
    const itemOf = (found: GroupRunState) => exportRowOf(found, RowBudget.page);
    const { items, ...page } = await readGroupPage(seen, { ...request, itemOf }, call);
    const resource = exportUri(seen.group.taskgroup_id, format);
    return {
      statuses,
      page,
      count: items.length,
      isFieldUnknown: false,
      notes: [...missingNotes(page, items.length, statuses), ...tooLongNotes(items)],
      facts: {
        ...(items.length > 0 && { export: await exportText(items, format) }),
        ...(page.isCut && { resource }),
      },
    };
  }
  const itemOf = (found: GroupRunState) => {
    const item = rowOf(found, { isBasis: view === "basis", field });
    return { item, weight: weightOf(item) };
  };
  const { items, ...page } = await readGroupPage(seen, { ...request, itemOf }, call);
  const results = items.filter(
    ({ status = "" }) =>
      statuses.includes("completed") && (status === "completed" || !isKnownStatus(status)),
  );
  const without = results.filter(
    ({ output, basis = [] }) => output === undefined && basis.length === 0,
  );
  return {
    statuses,
    page,
    count: items.length,
    isFieldUnknown: field !== undefined && results.length > 0 && without.length === results.length,
    notes: [
      ...missingNotes(page, items.length, statuses),
      ...(field === undefined && view !== "basis" && without.length > 0
        ? [
            `The list has no output for ${without.length} of these runs: get_task_run with the row's run_id looks for it.`,
          ]
        : []),
    ],
    facts: { runs: withoutSameStatus(items) },
  };
}

/** The summary names a status that all rows have. */
function withoutSameStatus(rows: readonly RunRow[]): RunRow[] {
  if (new Set(rows.map(({ status }) => status)).size > 1) return [...rows];
  return rows.map(({ status: _status, ...row }) => row);
}

function missingNotes(
  { missing, missingReason }: ShownRows["page"],
  count: number,
  statuses: readonly string[],
): string[] {
  if (missing === 0) return [];
  const why =
    missingReason ?? "The backend's list of runs ended before them, or they cannot be read.";
  const kind = statuses.includes("completed")
    ? "results"
    : statuses.includes("failed")
      ? "failures"
      : "runs";
  return [
    missing === null
      ? `The list of ${kind} broke off after ${count} on this page; more may be missing. ${why}`
      : `${missing} of the ${kind} that the group counts ${missing === 1 ? "is" : "are"} missing here, though the list was read again. ${why}`,
  ];
}

function tooLongNotes(rows: readonly ExportRow[]): string[] {
  const ids = rows.flatMap(({ isTooLong, runId }) =>
    isTooLong ? [oneLine(runId, RowBudget.id)] : [],
  );
  if (ids.length === 0) return [];
  const more = ids.length > IDS_SHOWN ? ` and ${ids.length - IDS_SHOWN} more` : "";
  return [
    `Too long for a page, so their values are left out: ${ids.slice(0, IDS_SHOWN).join(", ")}${more}. get_task_run reads them in parts.`,
  ];
}
