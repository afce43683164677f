import { unreadableOf } from "../../task-api/lenient.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { type Backend, ledgerNotes } from "./backend.ts";
import { unreadableNotes } from "../report/build-run-report.ts";
import { type GroupReading, limitNotes, statusesOf } from "./group-reading.ts";
import { describeGroup, groupSentence, uncountedRuns } from "../report/group-report.ts";
import { groupSteps, rowsSentence } from "./group-steps.ts";
import type { RunReport } from "../report/run-report.ts";
import { readShown } from "./show-rows.ts";
import type { ToolContext } from "../tool.ts";
import type { SeenGroup } from "./wait-for-group.ts";
import { waitedText } from "../report/run-sentences.ts";

/** Reports a group as it was last seen, with the rows that are asked for. Throws what the client throws. */
export async function composeGroup(
  seen: SeenGroup,
  reading: GroupReading,
  backend: Backend,
  { waits, callerLeft }: Pick<ToolContext, "waits" | "callerLeft">,
): Promise<RunReport> {
  const { group, retries, trouble } = seen;
  const statuses = statusesOf(reading, group);
  const shown =
    statuses === null ? null : await readShown(seen, statuses, reading, backend, callerLeft);
  const notes = [
    ...(trouble === null ? [] : [`Newer news are missing: ${trouble}`]),
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
