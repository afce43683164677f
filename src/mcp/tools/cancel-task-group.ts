import { z } from "zod";
import { GroupCancelNotSupported, GroupNotFound, TaskApiError } from "../../client/errors.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { describeGroup, groupSentence } from "../report/group-report.ts";
import { callWithId } from "../report/text.ts";
import { readRetries, withoutSuperseded } from "../runs/retries.ts";
import { CancelOutcome, GroupReport, type RunReport } from "../report/run-report.ts";
import type { Tool } from "../tool.ts";
import { waitForGroup } from "../runs/wait-for-group.ts";
import { GROUP_ID_NAMES, TaskgroupId } from "./arguments/shared-arguments.ts";

/** Workers acknowledge a cancel within moments; what takes longer is reported as what it is. */
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
    const backend = await context.openBackend();
    const { client } = backend;
    let before: TaskGroup;
    const byInputs = async (group: TaskGroup) =>
      withoutSuperseded(group, await readRetries(taskgroupId, backend, context));
    try {
      before = await byInputs(
        await client.retrieveGroup(taskgroupId, { signal: context.callerLeft }),
      );
      if (isOver(before)) return report("already_finished", before);
    } catch (error) {
      if (error instanceof GroupNotFound) return reportNotFound(taskgroupId);
      throw error;
    }
    const answer = await requestCancel();
    const isTaken = answer !== null;
    try {
      const seconds = isTaken ? CONFIRM_SECONDS : 0;
      const { group } = await waitForGroup(backend, taskgroupId, seconds, context);
      return report(outcomeOf(group, isTaken), group);
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      // That does not undo what the backend has answered: it is what is known.
      const known = answer ?? before;
      const notes = [`The group could not be looked at again: ${error.message}`];
      return { ...report(outcomeOf(known, isTaken), known), notes };
    }

    /**
     * The group as the backend answered with it; null when it cannot cancel. It does not end with the caller: a cancel
     * that was asked for is wanted, whoever has left meanwhile.
     */
    async function requestCancel(): Promise<TaskGroup | null> {
      try {
        return await byInputs(await client.cancelGroup(taskgroupId));
      } catch (error) {
        if (error instanceof GroupCancelNotSupported) return null;
        throw error;
      }
    }
  },
};

/** A run that waits for an action is not active, and yet can be cancelled. */
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
  const facts = describeGroup(group);
  return {
    ...describeOutcome(outcome, groupSentence(group)),
    outcome,
    ...facts,
  };
}

function reportNotFound(taskgroupId: string): RunReport {
  return {
    ...describeOutcome("not_found", ""),
    outcome: "not_found",
    taskgroup_id: taskgroupId,
  };
}

function describeOutcome(
  outcome: CancelOutcome,
  sentence: string,
): Pick<RunReport, "summary" | "next_step"> {
  const look = callWithId("get_task_group", { view: "status" });
  const results = `Results of completed runs are still there: ${callWithId("get_task_group", { view: "results" })}.`;
  switch (outcome) {
    case "cancelled":
      return { summary: `Nothing is active any more: ${sentence}.`, next_step: results };
    case "cancelling":
      return {
        summary: `The backend took the request to cancel; it is not confirmed for all runs yet: ${sentence}.`,
        next_step: `Call ${look} in a moment to see what is cancelled.`,
      };
    case "already_finished":
      return { summary: `There was nothing left to cancel: ${sentence}.`, next_step: results };
    case "not_supported":
      return {
        summary: `This backend cannot cancel groups. The runs go on and are billed as they complete: ${sentence}.`,
        next_step: `Tell the user they could not be stopped. ${results}`,
      };
    case "not_found":
      return {
        summary: "The backend knows no such group; nothing was cancelled.",
        next_step:
          "Use the taskgroup_id exactly as create_task_group returned it; do not guess one.",
      };
  }
}
