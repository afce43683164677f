import { z } from "zod";
import { AnswerForm, AnswerSubmission } from "../../../task-api/answer.ts";
import { RunInput } from "../../../task-api/run-input.ts";
import { RequestCheck, RunStatus } from "../../../task-api/run.ts";
import { AddRunsBody } from "../../../task-api/task-group.ts";
import { decodeCursor } from "../run-cursor.ts";
import { defineEndpoint, json, stream } from "./endpoint.ts";
import * as examples from "./examples.ts";
import {
  WrittenEvidence,
  WrittenProcessorList,
  WrittenResult,
  WrittenRun,
  WrittenRunEvent,
  WrittenRunList,
} from "./written-schemas.ts";

/** `GET …/result` without a `timeout` waits this long. Source: Task API, 8.1. */
const DEFAULT_RESULT_TIMEOUT_SECONDS = 600;
/** The longest wait that any documented client asks for. */
const MAX_RESULT_TIMEOUT_SECONDS = 3_600;
const TIMEOUT_RULE = `timeout is a whole number of seconds, 0 to ${MAX_RESULT_TIMEOUT_SECONDS}`;

const MAX_PAGE_RUNS = 100;

const wholeNumber = (name: string, least: number, most: number) => {
  const rule = `${name} is a whole number, ${least} to ${most}`;
  return z.coerce.number({ error: rule }).int(rule).min(least, rule).max(most, rule);
};
/** A reader of passages wants what fits its context. */
const MAX_AROUND = 20;
const MAX_HITS = 50;
const MAX_OFFSET = 1_000_000;

export const runEndpoints = {
  listProcessors: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/processors",
    isExtension: true,
    summary: "What runs cost and how long they usually take, by processor (extension)",
    answer: json("The processors, cheapest first.", WrittenProcessorList, {
      free: examples.processors,
    }),
  }),

  createTaskRun: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/runs",
    summary: "Start a run; it is queued, and the answer does not wait for it",
    body: {
      schema: RunInput,
      examples: { question: examples.question, structured: examples.structuredQuestion },
    },
    readsBetas: true,
    isIdempotent: true,
    createsRuns: true,
    answer: json("The run, accepted.", WrittenRun, { queued: examples.queuedRun }, 202),
  }),

  listTaskRuns: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs",
    isExtension: true,
    summary: "List runs, newest first (extension)",
    query: z.object({
      status: RunStatus.optional(),
      taskgroup_id: z.string().optional(),
      limit: wholeNumber("limit", 1, MAX_PAGE_RUNS).default(20),
      cursor: z.string().transform(decodeCursor).optional(),
    }),
    answer: json("A page of runs.", WrittenRunList, {
      page: { runs: [examples.completedRun], next_cursor: null },
    }),
  }),

  checkTaskRuns: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/runs/check",
    isExtension: true,
    summary: "Check a request that would start runs, and start nothing (extension)",
    description:
      "Takes the body of either request that starts runs and refuses what they would refuse, for the same reasons.",
    body: {
      schema: z.union([RunInput, AddRunsBody]),
      examples: { question: examples.question, group: { inputs: [examples.question] } },
    },
    readsBetas: true,
    createsRuns: true,
    answer: json("What the runs would be warned of.", RequestCheck, { fine: { warnings: [] } }),
  }),

  retrieveTaskRun: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id",
    summary: "Read a run",
    answer: json("The run as it is now.", WrittenRun, {
      queued: examples.queuedRun,
      completed: examples.completedRun,
      failed: examples.failedRun,
    }),
  }),

  retrieveTaskRunInput: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id/input",
    summary: "Read what a run was asked",
    answer: json("The input, without the headers of MCP servers.", RunInput, {
      question: examples.question,
    }),
  }),

  retrieveTaskRunResult: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id/result",
    summary: "Wait for a run and read its result",
    description:
      "Waits until the run is no longer active, at most `timeout` seconds. A run that failed, was cancelled or waits for an answer has no result: 404.",
    query: z.object({
      timeout: z.coerce
        .number({ error: TIMEOUT_RULE })
        .int(TIMEOUT_RULE)
        .min(0, TIMEOUT_RULE)
        .max(MAX_RESULT_TIMEOUT_SECONDS, TIMEOUT_RULE)
        .default(DEFAULT_RESULT_TIMEOUT_SECONDS),
    }),
    readsBetas: true,
    answer: json("The run, completed, and its output.", WrittenResult, { json: examples.result }),
    errors: {
      404: { message: "Run failed or run id not found" },
      408: { message: "Request timed out; run still active" },
    },
  }),

  streamTaskRunEvents: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id/events",
    hasBetaPath: true,
    summary: "Follow a run",
    description:
      "Begins and ends with the state of the run; the last state of a completed run has the output. Stays open for at most 570 seconds: an end while the run is active means to open it again.",
    isResumable: true,
    answer: stream("The events of the run.", WrittenRunEvent, {
      state: examples.stateEvent,
      progress_stats: examples.statsEvent,
      progress_msg: examples.messageEvent,
    }),
  }),

  readEvidence: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id/evidence",
    isExtension: true,
    summary: "Read on in what a run has seen (extension)",
    description:
      "Without parameters: the passages that the run found, best first, from `offset`. `passage`: that one and up to `around` on each side. `page`: its headings. The text is that of the time of the run, also when the document has changed since.",
    query: z
      .object({
        passage: z.string().meta({ examples: ["p1.4"] }),
        page: z.string().meta({ examples: ["p1"] }),
        around: wholeNumber("around", 0, MAX_AROUND).default(2),
        offset: wholeNumber("offset", 0, MAX_OFFSET).default(0),
        limit: wholeNumber("limit", 1, MAX_HITS).default(10),
      })
      .partial({ passage: true, page: true }),
    answer: json("The part that was asked for.", WrittenEvidence, { passage: examples.evidence }),
  }),

  cancelTaskRun: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/runs/:run_id/cancel",
    isExtension: true,
    summary: "Ask for the end of a run (extension)",
    isIdempotent: true,
    answer: json("The run: cancelled, or cancelling until its worker has stopped.", WrittenRun, {
      cancelling: examples.cancellingRun,
    }),
    errors: {
      409: {
        message: "Run is already completed; there is nothing to cancel",
        detail: { status: "completed" },
      },
    },
  }),

  readAnswerForm: defineEndpoint({
    method: "GET",
    path: "/v1/tasks/runs/:run_id/answer",
    isExtension: true,
    summary: "Read what a run in action_required needs to be answered (extension)",
    description:
      "The question, the schema of the output, the rules and a page of the evidence. Without an `offset` it begins with what the last queries found.",
    query: z.object({
      offset: wholeNumber("offset", 0, MAX_OFFSET).optional(),
    }),
    answer: json("What the answer needs.", AnswerForm, { form: examples.answerForm }),
    errors: { 409: { message: "The run waits for no answer: it is completed" } },
  }),

  submitAnswer: defineEndpoint({
    method: "POST",
    path: "/v1/tasks/runs/:run_id/answer",
    isExtension: true,
    summary: "Answer a run in action_required, or ask it for more evidence (extension)",
    description:
      "The output is checked against its schema, and every citation against the evidence of the run. An answer with problems is a 422 that names them all with `tries_left`; at 0 the run has failed. An accepted answer or accepted queries put the run back into the queue.",
    body: {
      schema: AnswerSubmission,
      examples: { answer: examples.answer, queries: { queries: ["GDP of France 2023"] } },
    },
    answer: json("The run, queued again.", WrittenRun, { queued: examples.queuedRun }),
    errors: {
      409: { message: "The run waits for no answer any more: it is queued" },
      422: {
        message:
          "Unprocessable content: request validation error: body.citations.gdp.0: no kept passage has these words; copy the words of a passage, or cite its id",
      },
    },
  }),
};
