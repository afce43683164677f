import { z } from "zod";
import { MAX_QUERIES } from "../../task-api/answer.ts";
import { JsonObject } from "../../task-api/task-spec.ts";
import { buildRunReport, WHOLE_OUTPUT } from "../report/build-run-report.ts";
import { AnsweredRunReport } from "../report/run-report.ts";
import { readAnswerForm } from "../runs/read-answer-form.ts";
import { readRun } from "../runs/read-run.ts";
import { submitAnswer } from "../runs/submit-answer.ts";
import { clampWait } from "../runs/wait-policy.ts";
import type { Tool } from "../tool.ts";
import { RUN_ID_NAMES, RunId, WaitSeconds } from "./arguments/shared-arguments.ts";

/** An accepted answer completes its run within moments, and a search takes seconds. */
const DEFAULT_WAIT_SECONDS = 20;

const QUERIES_RULE = `write one to ${MAX_QUERIES} queries`;

const Arguments = z.object({
  run_id: RunId,
  output: z
    .union([z.string(), JsonObject])
    .describe("An object of answer_form.output_schema; a text if it has none.")
    .meta({ reads: "data" })
    .optional(),
  citations: z
    .record(z.string(), z.union([z.string().transform((one) => [one]), z.array(z.string())]))
    .describe(
      'By field (output for a text): passage ids or copied quotes, such as {"founded":["p1.4"]}. [] = no evidence.',
    )
    .meta({ reads: "data" })
    .optional(),
  queries: z
    .array(z.string().min(1, QUERIES_RULE))
    .min(1, QUERIES_RULE)
    .max(MAX_QUERIES, QUERIES_RULE)
    .describe("Instead of output: up to three, in other words.")
    .optional(),
  wait_seconds: WaitSeconds.describe("Default 20.").optional(),
});
type Arguments = z.infer<typeof Arguments>;

const Answered = AnsweredRunReport.omit({
  taskgroup_id: true,
  processor: true,
  price_usd: true,
  usual_seconds: true,
  created_at: true,
  interaction_id: true,
  sources_read: true,
  sources_considered: true,
});

export const submitTaskAnswer: Tool<typeof Arguments> = {
  name: "submit_task_answer",
  toolset: "runs",
  title: "Submit the answer of a task run",
  description:
    "Answer a run in action_required from its evidence, with citations for every field; or search for more evidence with queries. What does not hold comes back to be mended, up to three times; an accepted answer completes the run.",
  input: Arguments,
  otherNames: { ...RUN_ID_NAMES, answer: "output" },
  output: Answered,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  isForHost: true,

  async run({ run_id: runId, wait_seconds, ...submission }, context) {
    const call = await context.open();
    const wait = clampWait(wait_seconds, call.waits, DEFAULT_WAIT_SECONDS);
    await submitAnswer(runId, submission, call);
    const { seen, notes } = await readRun(
      runId,
      { waitSeconds: wait.seconds, include: "answer" },
      call,
    );
    const report = buildRunReport({
      seen,
      form: await readAnswerForm(seen, call),
      prices: call.backend.prices,
      view: "auto",
      selection: WHOLE_OUTPUT,
      wait,
      nextWaitSeconds: call.waits.defaultSeconds,
      lead: submission.queries === undefined ? "The answer was accepted." : "Searched again.",
      notes,
    });
    // What create_task_run said of the run is not repeated.
    return Answered.parse(report);
  },
};
