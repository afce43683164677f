import { z } from "zod";
import { RunStatus } from "../../../task-api/run.ts";
import { AddRunsBody, CreateTaskGroupBody, TaskGroupLimits } from "../../../task-api/task-group.ts";
import { defineEndpoint, json, stream } from "./endpoint.ts";
import { LastEventId } from "../group-event-ids.ts";
import * as examples from "./examples.ts";
import {
  WrittenAddedRuns,
  WrittenGroup,
  WrittenGroupEvent,
  WrittenGroupRunEvent,
  WrittenRun,
} from "./written-schemas.ts";

/** The official client writes null as an empty value. */
const withoutEmpty = <Value extends z.ZodType>(value: Value) =>
  z.preprocess((given) => (given === "" ? undefined : given), value);

const flag = (otherwise: boolean) =>
  withoutEmpty(
    z
      .stringbool({ error: "write true or false" })
      .optional()
      .transform((given) => given ?? otherwise),
  ).meta({ override: { type: "boolean", default: otherwise } });

const lastEventId = LastEventId.meta({
  description: "An `event_id` or a cursor; the stream continues after it.",
});

const MAX_SECONDS = TaskGroupLimits.eventStreamSeconds;
const TIMEOUT_RULE = `timeout is a number of seconds, 0 to ${MAX_SECONDS}`;

export const groupEndpoints = {
  createTaskGroup: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/groups",
    hasBetaPath: true,
    summary: "Make an empty group",
    body: {
      schema: CreateTaskGroupBody,
      examples: { empty: {}, labelled: { metadata: { job: "42" } } },
    },
    isIdempotent: true,
    answer: json("The group.", WrittenGroup, { group: examples.group }),
  }),

  retrieveTaskGroup: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/groups/:taskgroup_id",
    hasBetaPath: true,
    summary: "Read how far a group is",
    answer: json("The group as it is now.", WrittenGroup, { group: examples.group }),
  }),

  addTaskGroupRuns: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/groups/:taskgroup_id/runs",
    hasBetaPath: true,
    summary: "Add runs to a group, all or none",
    query: z.object({
      refresh_status: flag(true).meta({
        description: "Accepted; the status in the answer is always a fresh one.",
      }),
    }),
    body: {
      schema: AddRunsBody,
      examples: { runs: { inputs: [examples.question, examples.structuredQuestion] } },
    },
    readsBetas: true,
    isIdempotent: true,
    createsRuns: true,
    answer: json("The runs, in the order of their inputs.", WrittenAddedRuns, {
      added: examples.addedRuns,
    }),
  }),

  streamTaskGroupRuns: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/groups/:taskgroup_id/runs",
    hasBetaPath: true,
    summary: "Read the runs of a group, as they are now",
    query: z.object({
      last_event_id: lastEventId,
      status: withoutEmpty(RunStatus.optional()),
      include_input: flag(false),
      include_output: flag(false),
    }),
    answer: stream("One event for each run.", WrittenGroupRunEvent, {
      state: examples.groupRunEvent,
    }),
  }),

  retrieveTaskGroupRun: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/groups/:taskgroup_id/runs/:run_id",
    hasBetaPath: true,
    summary: "Read a run of a group",
    answer: json("The run as it is now.", WrittenRun, { completed: examples.completedRun }),
  }),

  streamTaskGroupEvents: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/groups/:taskgroup_id/events",
    hasBetaPath: true,
    summary: "Follow a group",
    description: "Stays open while a run of the group is active, at most an hour.",
    query: z.object({
      last_event_id: lastEventId,
      timeout: withoutEmpty(
        z.coerce
          .number({ error: TIMEOUT_RULE })
          .min(0, TIMEOUT_RULE)
          .max(MAX_SECONDS, TIMEOUT_RULE)
          .default(MAX_SECONDS),
      ).meta({ description: "Seconds that the stream stays open at most." }),
    }),
    answer: stream("Its status, and the runs that end.", WrittenGroupEvent, {
      task_group_status: examples.groupStatusEvent,
      state: { ...examples.groupRunEvent, output: null },
    }),
  }),

  cancelTaskGroup: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/groups/:taskgroup_id/cancel",
    hasBetaPath: true,
    isExtension: true,
    summary: "Ask for the end of every active run of a group (extension)",
    isIdempotent: true,
    answer: json("The group as it is then.", WrittenGroup, { group: examples.group }),
  }),
};
