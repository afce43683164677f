import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathItemObject,
  ZodOpenApiPathsObject,
} from "zod-openapi";
import { z } from "zod";
import { RunStatus, TaskRun } from "../../../task-api/run.ts";
import {
  AddRunsBody,
  CreateTaskGroupBody,
  TaskGroup,
  TaskGroupEvent,
  TaskGroupLimits,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
} from "../../../task-api/task-group.ts";
import type { ApiProfile } from "../profile.ts";
import { answers, body, eventStream, json } from "./answers.ts";
import {
  createErrors,
  groupNotFound,
  groupProblems,
  readErrors,
  runNotFound,
  streamErrors,
  writeErrors,
} from "./error-answers.ts";
import * as examples from "./examples.ts";
import { createHeaders, groupPath, groupRunPath, writeHeaders } from "./parameters.ts";

const TAGS = ["groups"];

const AddRunsParameters = z.object({
  refresh_status: z.boolean().default(true).meta({
    description: "Accepted; the status in the answer is always a fresh one.",
  }),
});

const lastEventId = z
  .string()
  .optional()
  .meta({
    description: "An `event_id` or a cursor; the stream continues after it.",
    examples: ["123"],
  });

const RunsParameters = z.object({
  last_event_id: lastEventId,
  status: RunStatus.optional(),
  include_input: z.boolean().default(false),
  include_output: z.boolean().default(false),
});

const EventsParameters = z.object({
  last_event_id: lastEventId,
  timeout: z
    .number()
    .min(0)
    .max(TaskGroupLimits.eventStreamSeconds)
    .default(TaskGroupLimits.eventStreamSeconds)
    .meta({ description: "Seconds that the stream stays open at most.", examples: [60] }),
});

/**
 * The endpoints of task groups, under the path they have now and the one they had. Source: Task API, endpoints 6 to 11
 * and the notes on them; `cancel` is our extension.
 */
export function groupPaths(profile: ApiProfile): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const [path, operations] of Object.entries(currentPaths(profile))) {
    paths[path] = operations;
    paths[path.replace("/v1/", "/v1beta/")] = asDeprecated(operations);
  }
  return paths;
}

function asDeprecated({ get, post }: ZodOpenApiPathItemObject): ZodOpenApiPathItemObject {
  const deprecate = (operation: ZodOpenApiOperationObject) => ({
    ...operation,
    operationId: `${operation.operationId}Beta`,
    deprecated: true,
  });
  return { ...(get && { get: deprecate(get) }), ...(post && { post: deprecate(post) }) };
}

function currentPaths(profile: ApiProfile): Record<string, ZodOpenApiPathItemObject> {
  const bodyProblems = groupProblems(profile, ["body", "inputs"], "Field required");
  const queryProblems = groupProblems(profile, ["query", "last_event_id"], "not an event id");
  return {
    "/v1/tasks/groups": {
      post: {
        operationId: "createTaskGroup",
        tags: TAGS,
        summary: "Make an empty group",
        requestParams: writeHeaders(profile),
        requestBody: body(CreateTaskGroupBody, {
          empty: {},
          labelled: { metadata: { job: "42" } },
        }),
        responses: answers(writeErrors(profile), bodyProblems, {
          200: json("The group.", TaskGroup, { group: examples.group }),
        }),
      },
    },
    "/v1/tasks/groups/{taskgroup_id}": {
      get: {
        operationId: "retrieveTaskGroup",
        tags: TAGS,
        summary: "Read how far a group is",
        requestParams: { path: groupPath },
        responses: answers(readErrors, groupNotFound, {
          200: json("The group as it is now.", TaskGroup, { group: examples.group }),
        }),
      },
    },
    "/v1/tasks/groups/{taskgroup_id}/runs": {
      post: {
        operationId: "addTaskGroupRuns",
        tags: TAGS,
        summary: "Add runs to a group, all or none",
        requestParams: {
          path: groupPath,
          query: AddRunsParameters,
          header: createHeaders(profile),
        },
        requestBody: body(AddRunsBody, {
          runs: { inputs: [examples.question, examples.structuredQuestion] },
        }),
        responses: answers(createErrors(profile), bodyProblems, groupNotFound, {
          200: json("The runs, in the order of their inputs.", TaskGroupRunResponse, {
            added: {
              status: examples.groupStatus,
              run_ids: [examples.RUN_ID],
              run_cursor: "120",
              event_cursor: "120",
            },
          }),
        }),
      },
      get: {
        operationId: "streamTaskGroupRuns",
        tags: TAGS,
        summary: "Read the runs of a group, as they are now",
        requestParams: { path: groupPath, query: RunsParameters },
        responses: answers(streamErrors, queryProblems, groupNotFound, {
          200: eventStream("One event for each run.", TaskGroupRunEvent, {
            state: examples.groupRunEvent,
          }),
        }),
      },
    },
    "/v1/tasks/groups/{taskgroup_id}/events": {
      get: {
        operationId: "streamTaskGroupEvents",
        tags: TAGS,
        summary: "Follow a group",
        description: "Stays open while a run of the group is active, at most an hour.",
        requestParams: { path: groupPath, query: EventsParameters },
        responses: answers(streamErrors, queryProblems, groupNotFound, {
          200: eventStream("Its status, and the runs that end.", TaskGroupEvent, {
            task_group_status: examples.groupStatusEvent,
            state: { ...examples.groupRunEvent, output: null },
          }),
        }),
      },
    },
    "/v1/tasks/groups/{taskgroup_id}/runs/{run_id}": {
      get: {
        operationId: "retrieveTaskGroupRun",
        tags: TAGS,
        summary: "Read a run of a group",
        requestParams: { path: groupRunPath },
        responses: answers(readErrors, runNotFound, {
          200: json("The run as it is now.", TaskRun, { completed: examples.completedRun }),
        }),
      },
    },
    "/v1/tasks/groups/{taskgroup_id}/cancel": {
      post: {
        operationId: "cancelTaskGroup",
        tags: TAGS,
        summary: "Ask for the end of every active run of a group (extension)",
        requestParams: { path: groupPath, ...writeHeaders(profile) },
        responses: answers(writeErrors(profile), bodyProblems, groupNotFound, {
          200: json("The group as it is then.", TaskGroup, { group: examples.group }),
        }),
      },
    },
  };
}
