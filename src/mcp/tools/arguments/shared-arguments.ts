import { z } from "zod";
import { isGroupId, isRunId } from "../../report/text.ts";
import { STATUS_RULE, readStatuses } from "../../arguments/filter-words.ts";
import type { OtherNames } from "../../arguments/read-arguments.ts";

/** Ids are opaque; what cannot be one is a mistake worth naming. */
export const RunId = z
  .string({
    error: ({ input }) =>
      input === undefined
        ? "required: the run_id that create_task_run returned"
        : "write one run_id as text",
  })
  .trim()
  .regex(/^\S{1,200}$/, "write one run_id exactly as create_task_run returned it")
  .superRefine((id, context) => {
    if (!isGroupId(id)) return;
    const message = "this is the id of a task group, not of a run";
    context.addIssue({ code: "custom", message, params: { idOfOther: id } });
  })
  .describe("From create_task_run.");

export const TaskgroupId = z
  .string({
    error: ({ input }) =>
      input === undefined
        ? "required: the taskgroup_id that create_task_group returned"
        : "write one taskgroup_id as text",
  })
  .trim()
  .regex(/^\S{1,200}$/, "write one taskgroup_id exactly as create_task_group returned it")
  .superRefine((id, context) => {
    if (!isRunId(id)) return;
    const message = "this is the id of a run, not of a task group";
    context.addIssue({ code: "custom", message, params: { idOfOther: id } });
  })
  .describe("From create_task_group.");

/** Names under which other APIs know an id. */
export const RUN_ID_NAMES: OtherNames = { id: "run_id", task_id: "run_id", task_run_id: "run_id" };
export const GROUP_ID_NAMES: OtherNames = {
  id: "taskgroup_id",
  group_id: "taskgroup_id",
  task_group_id: "taskgroup_id",
};

export const WaitSeconds = z.number("write a number of seconds").min(0, "write 0 or more seconds");

export const IdempotencyKey = z
  .string("write a text")
  .trim()
  .regex(/^[\x21-\x7e]{1,200}$/, "use 1 to 200 letters, digits or marks, without spaces");

export const MaxCostUsd = z
  .number("write US dollars as a number")
  .min(0, "write 0 or more dollars");

export const RefuseDuplicate = z.boolean("write true or false");

/** One or several statuses, in words. */
export const StatusWords = z
  .string(STATUS_RULE)
  .refine((text) => readStatuses(text) !== null, { error: STATUS_RULE });
