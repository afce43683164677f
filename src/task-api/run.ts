import { z } from "zod";
import { JsonObject } from "./task-spec.ts";

/** Every status the API documents. Source: Task API, "Status enum". */
export const RunStatus = z.enum([
  "queued",
  "running",
  "action_required",
  "cancelling",
  "completed",
  "failed",
  "cancelled",
]);
export type RunStatus = z.infer<typeof RunStatus>;

/** `is_active` of a status: someone is, or will be, working on the run. `action_required` is not active. */
export function isActiveStatus(status: RunStatus): boolean {
  return status === "queued" || status === "running" || status === "cancelling";
}

/** The statuses that never change again. */
export function isTerminalStatus(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Source: Task API, `Warning`. `type` is open: new kinds may appear. */
export const RunWarning = z.looseObject({
  type: z.string(),
  message: z.string(),
  detail: JsonObject.nullish(),
});
export type RunWarning = z.infer<typeof RunWarning>;

/** Why a run failed. The hosted API's own samples leave out `ref_id` and `detail` in places. */
export const RunError = z.looseObject({
  ref_id: z.string().nullish(),
  message: z.string(),
  detail: JsonObject.nullish(),
});
export type RunError = z.infer<typeof RunError>;

/**
 * One execution of a task, as a server describes it. Read leniently: `status` may be newer than {@link RunStatus}
 * (then `is_active` decides), unknown fields are kept, and a missing optional field equals null.
 */
export const TaskRun = z.looseObject({
  run_id: z.string(),
  interaction_id: z.string().nullish(),
  status: z.string(),
  is_active: z.boolean(),
  processor: z.string(),
  created_at: z.string().nullish(),
  modified_at: z.string().nullish(),
  warnings: z.array(RunWarning).nullish(),
  error: RunError.nullish(),
  metadata: JsonObject.nullish(),
  taskgroup_id: z.string().nullish(),
});
export type TaskRun = z.infer<typeof TaskRun>;

/** A page of runs, newest first. Our engine's extension `GET /v1/tasks/runs`; the hosted API has no such endpoint. */
export const TaskRunList = z.looseObject({
  runs: z.array(TaskRun),
  next_cursor: z.string().nullable(),
});
export type TaskRunList = z.infer<typeof TaskRunList>;
