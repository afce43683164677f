import { z } from "zod";
import { asText, orElse } from "./lenient.ts";
import { ErrorEvent, EventId, StateEvent } from "./run-event.ts";
import { RunInput } from "./run-input.ts";
import { RunStatus, isActiveStatus } from "./run.ts";
import { JsonObject, TaskSpec, isJsonObject } from "./task-spec.ts";

/** Every documented limit of task groups. A group itself may hold any number of runs. */
export const TaskGroupLimits = {
  /** More runs go into further requests. Source: Task API, "Add runs". */
  inputsPerRequest: 1_000,
  /** An event stream is closed after an hour. Source: Task API, "Events stream". */
  eventStreamSeconds: 3_600,
} as const;

/** Labels of a group: values as in the metadata of a run, but without documented limits on their length. */
export const TaskGroupMetadata = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], {
    error: "write a metadata value as a string, a number or a boolean",
  }),
);
export type TaskGroupMetadata = z.infer<typeof TaskGroupMetadata>;

/** The body of `POST /v1/tasks/groups`. Strict: an unknown key is an error. */
export const CreateTaskGroupBody = z.strictObject({ metadata: TaskGroupMetadata.nullish() });
export type CreateTaskGroupBody = z.infer<typeof CreateTaskGroupBody>;

function inputsOf<Input extends z.ZodType>(input: Input) {
  return z
    .array(input, { error: "inputs is required: a list of run inputs" })
    .max(
      TaskGroupLimits.inputsPerRequest,
      `a request adds at most ${TaskGroupLimits.inputsPerRequest} runs; send the rest in further requests`,
    );
}

/** The body of `POST /v1/tasks/groups/{taskgroup_id}/runs`. Source: Task API, "Add runs". */
export const AddRunsBody = z.strictObject({
  inputs: inputsOf(RunInput),
  /** For the inputs that have no `task_spec` of their own. There are no other defaults. */
  default_task_spec: TaskSpec.nullish(),
});
export type AddRunsBody = z.infer<typeof AddRunsBody>;

/** The same around inputs that are checked one by one: a server names the problems of all of them. */
export const AddRunsEnvelope = AddRunsBody.extend({ inputs: inputsOf(z.unknown()) });
export type AddRunsEnvelope = z.infer<typeof AddRunsEnvelope>;

const StatusCounts = z.record(z.string(), z.number());

/** Those of the counts that are numbers. */
function readCounts(counts: unknown): Record<string, number> {
  const numbers = Object.entries(isJsonObject(counts) ? counts : {}).flatMap(([status, count]) =>
    typeof count === "number" ? [[status, count] as const] : [],
  );
  return Object.fromEntries(numbers);
}

/**
 * How far a group is. A status that no run has is left out of the counts. A new group is empty and not active, so "not
 * active" means "done" only once it has all the runs it shall have.
 */
export const TaskGroupStatus = orElse(
  z.looseObject({
    num_task_runs: orElse(z.number(), (_number, { task_run_status_counts: counts }) =>
      Object.values(readCounts(counts)).reduce((sum, count) => sum + count, 0),
    ),
    task_run_status_counts: orElse(StatusCounts, () => ({})),
    /** At least one run is queued, running or cancelling. */
    is_active: orElse(z.boolean(), (_isActive, { task_run_status_counts: counts }) =>
      RunStatus.options.some(
        (status) => isActiveStatus(status) && (readCounts(counts)[status] ?? 0) > 0,
      ),
    ),
    status_message: z.string().nullish(),
    modified_at: z.string().nullish(),
  }),
  // An answer with the id of a group, or of runs that were added to one, must not be lost.
  (_status, { taskgroup_id, run_ids }) =>
    typeof taskgroup_id === "string" || Array.isArray(run_ids) ? {} : undefined,
);
export type TaskGroupStatus = z.infer<typeof TaskGroupStatus>;

/** Runs that are created and watched together. Source: Task API, "Task groups". */
export const TaskGroup = z.looseObject({
  taskgroup_id: orElse(z.string().min(1), (_id, { status }, { taskgroup_id }) =>
    isJsonObject(status) && ("num_task_runs" in status || "task_run_status_counts" in status)
      ? taskgroup_id
      : undefined,
  ),
  status: TaskGroupStatus,
  created_at: z.string().nullish(),
  metadata: JsonObject.nullish(),
});
export type TaskGroup = z.infer<typeof TaskGroup>;

/** The answer to added runs. As `last_event_id`, a cursor leads to these runs and later ones; null: to all. */
export const TaskGroupRunResponse = z.looseObject({
  status: TaskGroupStatus,
  /** The run ids in the order of the inputs. An unreadable id is empty, so that the others keep their positions. */
  run_ids: z.array(orElse(z.string(), () => "")),
  /** For `GET …/runs`. */
  run_cursor: orElse(z.string(), asText).nullish(),
  /** For `GET …/events`. */
  event_cursor: orElse(z.string(), asText).nullish(),
});
export type TaskGroupRunResponse = z.infer<typeof TaskGroupRunResponse>;

/** The group as it is now. */
export const TaskGroupStatusEvent = z.looseObject({
  type: z.literal("task_group_status"),
  event_id: EventId,
  status: TaskGroupStatus,
});
export type TaskGroupStatusEvent = z.infer<typeof TaskGroupStatusEvent>;

/** What `GET …/events` of a group sends: its status, and every run that stops being active. */
export const TaskGroupEvent = z.union([TaskGroupStatusEvent, StateEvent, ErrorEvent]);
export type TaskGroupEvent = z.infer<typeof TaskGroupEvent>;

/** What `GET …/runs` of a group sends: each run as it is now. */
export const TaskGroupRunEvent = z.union([StateEvent, ErrorEvent]);
export type TaskGroupRunEvent = z.infer<typeof TaskGroupRunEvent>;
