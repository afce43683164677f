import { z } from "zod";
import { asText, orElse, textOf, unreadableOf } from "./lenient.ts";
import { JsonObject, isJsonObject } from "./task-spec.ts";

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

/** `is_active` of a status: the run is performed or will be without further input. `action_required` is not active. */
export function isActiveStatus(status: RunStatus): boolean {
  return status === "queued" || status === "running" || status === "cancelling";
}

/** The statuses that never change again. */
export function isTerminalStatus(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Source: Task API, `Warning`. `type` is open: new kinds may appear. */
export const RunWarning = orElse(
  z.looseObject({
    type: orElse(z.string(), () => "warning"),
    message: orElse(z.string(), (_message, warning) => textOf(warning)),
    detail: JsonObject.nullish(),
  }),
  (value) => ({ type: "warning", message: asText(value, {}, {}) }),
);
export type RunWarning = z.infer<typeof RunWarning>;

/** Why a run failed. The hosted API's own samples leave out `ref_id` and `detail` in places. */
export const RunError = orElse(
  z.looseObject({
    ref_id: z.string().nullish(),
    message: orElse(z.string(), (_message, error) => textOf(error)),
    detail: JsonObject.nullish(),
  }),
  (value) => ({ message: textOf(value ?? "") }),
);
export type RunError = z.infer<typeof RunError>;

/**
 * One execution of a task, as a server describes it. `status` may be newer than {@link RunStatus} (then `is_active`
 * decides), unknown fields are preserved, and a missing optional field equals null. A lenient reader needs the id, or
 * the status and one other field.
 */
export const TaskRun = orElse(
  z.looseObject({
    run_id: orElse(z.string().min(1), (_id, { status, is_active, processor }, { run_id }) =>
      typeof status === "string" &&
      (typeof is_active === "boolean" || typeof processor === "string")
        ? run_id
        : undefined,
    ),
    interaction_id: z.string().nullish(),
    status: orElse(z.string(), (_status, { run_id }, { status = "unreadable" }) =>
      typeof run_id === "string" ? status : undefined,
    ),
    /** A lenient reader takes it to be false for an unknown status: then it asks for the result, which decides. */
    is_active: orElse(z.boolean(), (_isActive, run, { is_active = false }) => {
      const status = RunStatus.safeParse(run["status"]);
      return status.success ? isActiveStatus(status.data) : is_active;
    }),
    /** Empty where a server leaves it out. */
    processor: orElse(z.string(), () => ""),
    created_at: z.string().nullish(),
    modified_at: z.string().nullish(),
    warnings: z.array(RunWarning).nullish(),
    error: RunError.nullish(),
    metadata: JsonObject.nullish(),
    taskgroup_id: z.string().nullish(),
  }),
  // A run is sent with an output only when it is completed.
  (_run, { output }) =>
    isJsonObject(output) ? { status: "completed", is_active: false, processor: "" } : undefined,
);
export type TaskRun = z.infer<typeof TaskRun>;

type RunState = Pick<TaskRun, "status" | "is_active">;

/**
 * Whether a run that is in this state may have a result: all but those that are known to have none. A final status newer
 * than {@link RunStatus} may have one.
 */
export function mayHaveResult({ status, is_active }: RunState): boolean {
  if (status === "completed") return true;
  return !is_active && !["failed", "cancelled", "action_required"].includes(status);
}

/** Whether a run will never change again, according to the server: derived fields prove nothing. */
export function isOver(run: RunState): boolean {
  if (isTerminalStatus(run.status)) return true;
  return (
    !run.is_active && run.status !== "action_required" && !unreadableOf(run).includes("is_active")
  );
}

/**
 * The answer of a server that checks a request without starting runs. Our engine's extension `POST
 * /v1/tasks/runs/check`.
 */
export const RequestCheck = z.looseObject({ warnings: z.array(RunWarning) });
export type RequestCheck = z.infer<typeof RequestCheck>;

/** A page of runs, newest first. Our engine's extension `GET /v1/tasks/runs`; the hosted API has no such endpoint. */
export const TaskRunList = z.looseObject({
  runs: z.array(TaskRun),
  next_cursor: orElse(z.string().nullable(), () => null),
});
export type TaskRunList = z.infer<typeof TaskRunList>;
