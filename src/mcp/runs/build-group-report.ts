import { unreadableOf } from "../../task-api/lenient.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { unreadableNotes } from "../report/build-run-report.ts";
import { describeGroup, groupSentence, uncountedRuns } from "../report/group-report.ts";
import { callWithId } from "../report/text.ts";
import type { RunReport } from "../report/run-report.ts";
import { waitedText } from "../report/run-sentences.ts";
import { ledgerNotes } from "./backend.ts";
import type { OpenCall } from "./call-context.ts";
import { type ReadGroup, countRows } from "./read-group.ts";
import {
  type GroupReading,
  type ShownRows,
  limitNotes,
  limitOf,
  showRows,
  statusesOf,
} from "./show-rows.ts";

/** Reports a group as it was read, with the rows that its view shows. Throws what the client throws. */
export async function buildGroupReport(
  seen: ReadGroup,
  reading: GroupReading,
  call: OpenCall,
): Promise<RunReport> {
  const { backend, waits } = call;
  const { group, retries, staleReason } = seen;
  const statuses = statusesOf(reading, group);
  const shown = statuses === null ? null : await showRows(seen, statuses, reading, call);
  const notes = [
    ...(staleReason === null ? [] : [`This may be out of date: ${staleReason}`]),
    ...retries.notes,
    ...limitNotes(reading),
    ...(shown?.notes ?? []),
    ...uncountedNotes(group),
    ...unreadableNotes([
      ...unreadableOf(group),
      ...(shown?.page.unreadable ?? []).map((path) => `runs.${path}`),
    ]),
    ...ledgerNotes(backend),
  ];
  const { wait } = reading;
  const waited = group.status.is_active && wait !== undefined ? waitedText(wait) : "";
  const cursor = shown?.page.nextCursor ?? null;
  return {
    summary: `${groupSentence(group)}${waited}.${shown === null ? "" : rowsSentence(group, shown)}`,
    next_step: groupSteps(group, shown, reading, waits.defaultSeconds),
    ...(notes.length > 0 && { notes }),
    ...describeGroup(group),
    ...shown?.facts,
    ...(cursor !== null && { next_cursor: cursor }),
  };
}

function uncountedNotes(group: TaskGroup): string[] {
  const uncounted = uncountedRuns(group);
  if (uncounted === 0) return [];
  return [`The backend does not tell the status of ${uncounted} of the group's runs.`];
}

/** " Rows 1 to 20 of 1500 (completed).", unless all runs of the group are shown. */
function rowsSentence(group: TaskGroup, { statuses, page, count }: ShownRows): string {
  const total = countRows(group, statuses);
  if (total === null || page.before === null) return "";
  if (total === 0)
    return statuses.includes("completed") ? "" : ` None is ${statuses.join(" or ")}.`;
  const isAll = total === group.status.num_task_runs;
  const to = page.before + count;
  if (count === 0 || to > total || (isAll && count === total)) return "";
  const rows = count === 1 ? `Row ${to}` : `Rows ${page.before + 1} to ${to}`;
  return ` ${rows} of ${total}${isAll ? "" : ` (${statuses.join(", ")})`}.`;
}

/** What to call next after this report. */
function groupSteps(
  group: TaskGroup,
  shown: ShownRows | null,
  reading: GroupReading,
  seconds: number,
): string {
  const {
    is_active: isActive,
    num_task_runs: total,
    task_run_status_counts: counts,
  } = group.status;
  const steps: string[] = [];
  const call = (args: JsonObject = {}) => callWithId("get_task_group", args);
  const isShown = (status: string) =>
    shown !== null && shown.count > 0 && shown.statuses.includes(status);
  const few = (status: string) => counts[status] ?? 0;

  if (shown?.isFieldUnknown === true) {
    steps.push(
      `No row here has a field ${JSON.stringify(reading.field)}: leave it out to see what there is.`,
    );
  }
  if (shown !== null) steps.push(...pageSteps(shown, reading));
  if (isActive) {
    steps.push(`Call ${call({ wait_seconds: seconds })} to wait.`);
  }
  if (few("action_required") > 0) {
    steps.push(
      isShown("action_required")
        ? "Rows that ask something wait for an answer: get_task_run with the run_id says what can be done."
        : `${few("action_required")} wait for an answer: status "action_required" lists them.`,
    );
  }
  if (few("failed") > 0) {
    steps.push(
      isShown("failed")
        ? `If the reasons look passing, run these again: ${callWithId("create_task_group", { retry_failed: true })}.`
        : `Reasons of the ${few("failed")} failed: ${call({ view: "failures" })}.`,
    );
  }
  if (few("cancelled") > 0 && !isShown("cancelled") && !isActive) {
    steps.push(`${few("cancelled")} cancelled: status "cancelled" lists them.`);
  }
  if (steps.length > 0) return steps.join(" ");
  if (total === 0 && unreadableOf(group).length === 0) {
    return `The group is empty: add runs with ${callWithId("create_task_group")}.`;
  }
  if (shown === null) return `Nothing is active any more. Results: ${call()}.`;
  if (shown.count === 0) return "There is nothing more to read here.";
  if (shown.page.before !== 0) return "That was the last page.";
  if (!shown.statuses.includes("completed") || ["basis", "export"].includes(reading.view)) {
    return "All of them are shown.";
  }
  return "All results are shown. Evidence of one: get_task_run with its run_id.";
}

/** How to read the next page: with the same arguments as this one. */
function pageSteps({ page }: ShownRows, reading: GroupReading): string[] {
  const { view, status, field, format, limit } = reading;
  const next = callWithId("get_task_group", {
    ...(view !== "auto" && { view }),
    ...(status !== undefined && { status }),
    ...(field !== undefined && { field }),
    ...(format !== undefined && { format }),
    ...(limit !== undefined && { limit: limitOf(reading) }),
    ...(page.nextCursor !== null && { cursor: page.nextCursor }),
  });
  if (page.isCut) {
    return [
      page.nextCursor === null
        ? "There are more rows, and the backend gives no way to page to them: ask for more with limit."
        : `More: ${next}.`,
    ];
  }
  if (page.missing === 0) return [];
  return [
    `Not all is shown: call ${next} to look for the rest; if it stays missing, tell the user.`,
  ];
}
