import { z } from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from "zod-openapi";
import { TaskRunResult } from "../../../task-api/output.ts";
import { ProcessorList } from "../../../task-api/processor-list.ts";
import { RunEvent } from "../../../task-api/run-event.ts";
import { RunInput } from "../../../task-api/run-input.ts";
import { RequestCheck, TaskRun, TaskRunList } from "../../../task-api/run.ts";
import { AddRunsBody } from "../../../task-api/task-group.ts";
import type { ApiProfile } from "../profile.ts";
import { ListQuery, ResultQuery } from "../run-queries.ts";
import { answers, body, eventStream, json } from "./answers.ts";
import {
  createErrors,
  nothingToCancel,
  queryErrors,
  readErrors,
  resultErrors,
  runNotFound,
  streamErrors,
  writeErrors,
} from "./error-answers.ts";
import * as examples from "./examples.ts";
import { createHeaders, lastEventId, resultHeaders, runPath, writeHeaders } from "./parameters.ts";

const TAGS = ["runs"];

/** The endpoints of task runs. Source: Task API, endpoints 1 to 5; `cancel`, `check` and the list are our extensions. */
export function runPaths(profile: ApiProfile): ZodOpenApiPathsObject {
  return {
    "/v1/tasks/processors": {
      get: {
        operationId: "listProcessors",
        tags: TAGS,
        summary: "What runs cost and how long they usually take, by processor (extension)",
        responses: answers(queryErrors, {
          200: json("The processors, cheapest first.", ProcessorList, {
            free: {
              processors: [
                { name: "base", price_usd: 0, usual_seconds: { from: 0, to: 50 } },
                { name: "base-fast", price_usd: 0, usual_seconds: null },
              ],
            },
          }),
        }),
      },
    },
    "/v1/tasks/runs": {
      post: {
        operationId: "createTaskRun",
        tags: TAGS,
        summary: "Start a run; it is queued, and the answer does not wait for it",
        requestParams: { header: createHeaders(profile) },
        requestBody: body(RunInput, {
          question: examples.question,
          structured: examples.structuredQuestion,
        }),
        responses: answers(createErrors(profile), {
          202: json("The run, accepted.", TaskRun, { queued: examples.queuedRun }),
        }),
      },
      get: {
        operationId: "listTaskRuns",
        tags: TAGS,
        summary: "List runs, newest first (extension)",
        requestParams: { query: ListQuery },
        responses: answers(queryErrors, {
          200: json("A page of runs.", TaskRunList, {
            page: { runs: [examples.completedRun], next_cursor: null },
          }),
        }),
      },
    },
    "/v1/tasks/runs/check": {
      post: {
        operationId: "checkTaskRuns",
        tags: TAGS,
        summary: "Check a request that would start runs, and start nothing (extension)",
        description:
          "Takes the body of either request that starts runs and refuses what they would refuse, for the same reasons.",
        requestParams: { header: resultHeaders },
        requestBody: body(z.union([RunInput, AddRunsBody]), {
          question: examples.question,
          group: { inputs: [examples.question] },
        }),
        responses: answers(createErrors(profile), {
          200: json("What the runs would be warned of.", RequestCheck, {
            fine: { warnings: [] },
          }),
        }),
      },
    },
    "/v1/tasks/runs/{run_id}": {
      get: {
        operationId: "retrieveTaskRun",
        tags: TAGS,
        summary: "Read a run",
        requestParams: { path: runPath },
        responses: answers(readErrors, runNotFound, {
          200: json("The run as it is now.", TaskRun, {
            queued: examples.queuedRun,
            completed: examples.completedRun,
            failed: examples.failedRun,
          }),
        }),
      },
    },
    "/v1/tasks/runs/{run_id}/input": {
      get: {
        operationId: "retrieveTaskRunInput",
        tags: TAGS,
        summary: "Read what a run was asked",
        requestParams: { path: runPath },
        responses: answers(readErrors, runNotFound, {
          200: json("The input, without the headers of MCP servers.", RunInput, {
            question: examples.question,
          }),
        }),
      },
    },
    "/v1/tasks/runs/{run_id}/result": {
      get: {
        operationId: "retrieveTaskRunResult",
        tags: TAGS,
        summary: "Wait for a run and read its result",
        description:
          "Waits until the run is no longer active, at most `timeout` seconds. A run that failed, was cancelled or waits for an answer has no result: 404.",
        requestParams: { path: runPath, query: ResultQuery, header: resultHeaders },
        responses: answers(resultErrors, {
          200: json("The run, completed, and its output.", TaskRunResult, {
            json: examples.result,
          }),
        }),
      },
    },
    "/v1/tasks/runs/{run_id}/events": {
      get: streamRunEvents(profile, "streamTaskRunEvents"),
    },
    "/v1beta/tasks/runs/{run_id}/events": {
      get: { ...streamRunEvents(profile, "streamTaskRunEventsBeta"), deprecated: true },
    },
    "/v1/tasks/runs/{run_id}/cancel": {
      post: {
        operationId: "cancelTaskRun",
        tags: TAGS,
        summary: "Ask for the end of a run (extension)",
        requestParams: { path: runPath, ...writeHeaders(profile) },
        responses: answers(writeErrors(profile), runNotFound, nothingToCancel, {
          200: json("The run: cancelled, or cancelling until its worker has stopped.", TaskRun, {
            cancelling: examples.cancellingRun,
          }),
        }),
      },
    },
  };
}

function streamRunEvents(profile: ApiProfile, operationId: string): ZodOpenApiOperationObject {
  const isExtended = profile === "extended";
  return {
    operationId,
    tags: TAGS,
    summary: "Follow a run",
    description:
      "Begins and ends with the state of the run; the last state of a completed run has the output. Stays open for at most 570 seconds: an end while the run is active means to open it again.",
    requestParams: { path: runPath, ...(isExtended && { header: lastEventId }) },
    responses: answers(streamErrors, runNotFound, {
      200: eventStream("The events of the run.", RunEvent, {
        state: examples.stateEvent,
        progress_stats: examples.statsEvent,
        progress_msg: examples.messageEvent,
      }),
      ...(isExtended && { 204: { description: "Nothing follows the event in `Last-Event-ID`." } }),
    }),
  };
}
