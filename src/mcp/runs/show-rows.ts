import type { Backend } from "./backend.ts";
import { readGroupPage } from "./group-page.ts";
import { isKnownStatus } from "../report/group-report.ts";
import { type GroupReading, limitOf } from "./group-reading.ts";
import { type ExportRow, exportRowOf, exportText } from "../report/reading/export-rows.ts";
import { type GroupRunState, RowBudget, rowOf } from "../report/reading/rows.ts";
import type { ListPage } from "./list-pages.ts";
import { oneLine } from "../report/text.ts";
import { weightOf } from "../report/reading/pages.ts";
import { exportUri } from "../report/resource-uri.ts";
import type { RunReport, RunRow } from "../report/run-report.ts";
import type { SeenGroup } from "./wait-for-group.ts";

/** Ids named in a note. */
const IDS_SHOWN = 5;

/** What is shown of the rows, and what there is to say about them. */
export interface Shown {
  statuses: readonly string[];
  page: Omit<ListPage<unknown>, "items">;
  count: number;
  /** Every row lacks the field that was asked for. */
  isFieldUnknown: boolean;
  notes: string[];
  facts: Partial<RunReport>;
}

/** Reads the page of rows that is asked for. Throws what the client throws. */
export async function readShown(
  seen: SeenGroup,
  statuses: readonly string[],
  reading: GroupReading,
  backend: Backend,
  signal: AbortSignal,
): Promise<Shown> {
  const { view, field, format = "csv", cursor } = reading;
  const request = {
    statuses,
    cursor,
    limit: limitOf(reading),
    budget: RowBudget.page,
    signal,
    isRecorded: view !== "export",
  };
  if (view === "export") {
    const itemOf = (found: GroupRunState) => exportRowOf(found, RowBudget.page);
    const { items, ...page } = await readGroupPage(seen, backend, { ...request, itemOf });
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
  const { items, ...page } = await readGroupPage(seen, backend, { ...request, itemOf });
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

/** A status that all rows have is in the summary. */
function withoutSameStatus(rows: readonly RunRow[]): RunRow[] {
  if (new Set(rows.map(({ status }) => status)).size > 1) return [...rows];
  return rows.map(({ status: _status, ...row }) => row);
}

function missingNotes(
  { missing, trouble }: Shown["page"],
  count: number,
  statuses: readonly string[],
): string[] {
  if (missing === 0) return [];
  const why = trouble ?? "The backend's list of runs ended before them, or they cannot be read.";
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
