import { z } from "zod";
import { GroupCancelNotSupported, GroupNotFound, TaskApiError } from "../../client/errors.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { describeGroup, groupSentence } from "../report/group-report.ts";
import { readRetries, withoutSuperseded } from "../runs/retries.ts";
import { CancelOutcome, GroupReport, type RunReport } from "../report/run-report.ts";
import type { Tool } from "../tool.ts";
import { readGroup } from "../runs/read-group.ts";
import { describeOutcome } from "./cancel-outcomes.ts";
import { GROUP_ID_NAMES, TaskgroupId } from "./arguments/shared-arguments.ts";

/** Workers acknowledge a cancel within moments; after this the outcome is `cancelling`. */
const CONFIRM_SECONDS = 3;

const Arguments = z.object({ taskgroup_id: TaskgroupId });

export const cancelTaskGroup: Tool<typeof Arguments> = {
  name: "cancel_task_group",
  toolset: "groups",
  title: "Cancel a task group",
  description:
    "Ask the backend to stop the runs of a group, and report what a second look confirmed; outcome as in cancel_task_run. Completed runs keep their results. Cannot be undone.",
  input: Arguments,
  otherNames: GROUP_ID_NAMES,
  output: GroupReport.extend({ outcome: CancelOutcome }),
  hints: { readOnly: false, destructive: true, idempotent: true, openWorld: true },

  async run({ taskgroup_id: taskgroupId }, context) {
    const call = await context.open();
    const { client } = call.backend;
    let before: TaskGroup;
    try {
      before = (await readGroup(taskgroupId, { waitSeconds: 0 }, call)).group;
    } catch (error) {
      if (!(error instanceof GroupNotFound)) throw error;
      return { ...describeOutcome("not_found", "group"), taskgroup_id: taskgroupId };
    }
    if (isOver(before)) return report("already_finished", before);
    const answer = await requestCancel();
    const isTaken = answer !== null;
    try {
      const waitSeconds = isTaken ? CONFIRM_SECONDS : 0;
      const { group } = await readGroup(taskgroupId, { waitSeconds }, call);
      return report(outcomeOf(group, isTaken), group);
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      // Without a new answer, the earlier one is the latest known state.
      const known = answer ?? before;
      const notes = [`The group could not be read again: ${error.message}`];
      return { ...report(outcomeOf(known, isTaken), known), notes };
    }

    /**
     * Asks the backend to cancel. Returns the group from its answer, or null when it cannot cancel groups. The request
     * continues when the caller leaves, because the caller wanted the cancel.
     */
    async function requestCancel(): Promise<TaskGroup | null> {
      try {
        const group = await client.cancelGroup(taskgroupId);
        return withoutSuperseded(group, await readRetries(taskgroupId, call));
      } catch (error) {
        if (error instanceof GroupCancelNotSupported) return null;
        throw error;
      }
    }
  },
};

/** A run in `action_required` is not active, and can still be cancelled. */
function isOver({ status }: TaskGroup): boolean {
  return !status.is_active && (status.task_run_status_counts["action_required"] ?? 0) === 0;
}

function outcomeOf(group: TaskGroup, isTaken: boolean): CancelOutcome {
  if (!isTaken) return isOver(group) ? "already_finished" : "not_supported";
  if (!isOver(group)) return "cancelling";
  const cancelled = group.status.task_run_status_counts["cancelled"] ?? 0;
  return cancelled > 0 ? "cancelled" : "already_finished";
}

function report(outcome: CancelOutcome, group: TaskGroup): RunReport {
  return { ...describeOutcome(outcome, "group", groupSentence(group)), ...describeGroup(group) };
}
