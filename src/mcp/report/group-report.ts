import { unreadableOf } from "../../task-api/lenient.ts";
import { RunStatus, isTerminalStatus } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { oneLine } from "./text.ts";
import type { RunReport } from "./run-report.ts";

const NAME_BUDGET = 100;

/** The part of a report about the group as a whole. */
export function describeGroup({
  taskgroup_id,
  status,
}: TaskGroup): Pick<RunReport, "taskgroup_id" | "is_active" | "percent" | "counts"> {
  return {
    taskgroup_id: oneLine(taskgroup_id, NAME_BUDGET),
    is_active: status.is_active,
    ...(status.is_active && { percent: groupPercent({ status }) }),
    counts: Object.fromEntries(
      Object.entries(status.task_run_status_counts)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => [oneLine(name, NAME_BUDGET), count]),
    ),
  };
}

/** The number of runs, and of runs in a terminal status. */
export function groupTotals({ status }: Pick<TaskGroup, "status">): {
  total: number;
  done: number;
} {
  const done = Object.entries(status.task_run_status_counts).reduce(
    (sum, [name, count]) => sum + (isDone(name, status.is_active) ? count : 0),
    0,
  );
  return { total: status.num_task_runs, done };
}

/** A status newer than this server counts as done when nothing in the group is active. */
function isDone(name: string, isGroupActive: boolean): boolean {
  return isKnownStatus(name) ? isTerminalStatus(name) : !isGroupActive;
}

export function isKnownStatus(name: string): boolean {
  return RunStatus.safeParse(name).success;
}

/** The number of runs that the counts leave out. */
export function uncountedRuns({ status }: Pick<TaskGroup, "status">): number {
  const counted = Object.values(status.task_run_status_counts).reduce((sum, n) => sum + n, 0);
  return Math.max(0, status.num_task_runs - counted);
}

export function groupPercent(group: Pick<TaskGroup, "status">): number {
  const { total, done } = groupTotals(group);
  return total === 0 ? 0 : Math.floor((100 * done) / total);
}

/** "120 of 400 runs are done (118 completed, 2 failed), 30 running, 250 queued" */
export function groupSentence(group: Pick<TaskGroup, "status">): string {
  if (unreadableOf(group).includes("status")) return "its progress could not be read";
  const { total, done } = groupTotals(group);
  const { task_run_status_counts: counts, is_active: isActive } = group.status;
  const named = (names: readonly string[]) =>
    names.flatMap((name) => {
      const count = counts[name] ?? 0;
      return count === 0 ? [] : [`${count} ${oneLine(name, NAME_BUDGET)}`];
    });
  const newer = Object.keys(counts).filter((name) => !isKnownStatus(name));
  const over = named(["completed", "failed", "cancelled", ...(isActive ? [] : newer)]);
  const open = named([
    "running",
    "queued",
    "cancelling",
    "action_required",
    ...(isActive ? newer : []),
  ]);
  const how = over.length === 0 ? "" : ` (${over.join(", ")})`;
  return [`${done} of ${total} runs are done${how}`, ...open].join(", ");
}
