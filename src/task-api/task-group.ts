import { z } from "zod";
import { ErrorEvent, StateEvent } from "./run-event.ts";
import { RunInput } from "./run-input.ts";
import { JsonObject, TaskSpec } from "./task-spec.ts";

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

/**
 * How far a group is. A status that no run has is left out of the counts. A new group is empty and not active, so "not
 * active" means "done" only once it has all the runs it shall have.
 */
export const TaskGroupStatus = z.looseObject({
  num_task_runs: z.number(),
  task_run_status_counts: z.record(z.string(), z.number()),
  /** At least one run is queued, running or cancelling. */
  is_active: z.boolean(),
  status_message: z.string().nullish(),
  modified_at: z.string().nullish(),
});
export type TaskGroupStatus = z.infer<typeof TaskGroupStatus>;

/** Runs that are created and watched together. Source: Task API, "Task groups". */
export const TaskGroup = z.looseObject({
  taskgroup_id: z.string(),
  status: TaskGroupStatus,
  created_at: z.string().nullish(),
  metadata: JsonObject.nullish(),
});
export type TaskGroup = z.infer<typeof TaskGroup>;

/** The answer to added runs. As `last_event_id`, a cursor leads to these runs and later ones; null: to all. */
export const TaskGroupRunResponse = z.looseObject({
  status: TaskGroupStatus,
  /** In the order of the inputs. */
  run_ids: z.array(z.string()),
  /** For `GET …/runs`. */
  run_cursor: z.string().nullish(),
  /** For `GET …/events`. */
  event_cursor: z.string().nullish(),
});
export type TaskGroupRunResponse = z.infer<typeof TaskGroupRunResponse>;

/** The group as it is now. */
export const TaskGroupStatusEvent = z.looseObject({
  type: z.literal("task_group_status"),
  event_id: z.string().nullish(),
  status: TaskGroupStatus,
});
export type TaskGroupStatusEvent = z.infer<typeof TaskGroupStatusEvent>;

/** What `GET …/events` of a group sends: its status, and every run that stops being active. */
export const TaskGroupEvent = z.union([TaskGroupStatusEvent, StateEvent, ErrorEvent]);
export type TaskGroupEvent = z.infer<typeof TaskGroupEvent>;

/** What `GET …/runs` of a group sends: each run as it is now. */
export const TaskGroupRunEvent = z.union([StateEvent, ErrorEvent]);
export type TaskGroupRunEvent = z.infer<typeof TaskGroupRunEvent>;
