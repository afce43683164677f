import { Hono } from "hono";
import { AnswerSubmission } from "../../task-api/answer.ts";
import { type Answering, AnswerRefused, NoAnswerWanted } from "../executors/host/answering.ts";
import { toTaskRun } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import { ApiError, problemsOf, runNotFound, unprocessable } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";
import { parseJsonBody } from "./new-run.ts";
import type { RequestEnv } from "./request-context.ts";
import { requireRun } from "./run-routes.ts";

export interface AnswerRoutesContext {
  runs: RunStore;
  answering: Answering;
}

/** The answer from outside to runs in `action_required`: an extension of ours. */
export function createAnswerRoutes({ runs, answering }: AnswerRoutesContext): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  handle(routes, runEndpoints.readAnswerForm, async (c, { offset }) => {
    const run = await requireRun(c, runs);
    return c.json(await answering.readForm(run, offset).catch(asApiError));
  });

  handle(routes, runEndpoints.submitAnswer, async (c) => {
    const run = await requireRun(c, runs);
    const read = AnswerSubmission.safeParse(parseJsonBody(await c.req.text()));
    if (!read.success) throw unprocessable(problemsOf(read.error, ["body"]));
    await answering.submit(run, read.data).catch(asApiError);
    const queued = await runs.find(run.runId);
    if (queued === undefined) throw runNotFound();
    return c.json(toTaskRun(queued));
  });

  return routes;
}

function asApiError(error: unknown): never {
  if (error instanceof NoAnswerWanted) throw new ApiError(409, error.message);
  if (error instanceof AnswerRefused) {
    const { problems, triesLeft } = error;
    throw unprocessable(
      problems.map((problem) => ({ ...problem, loc: ["body", ...problem.loc] })),
      { tries_left: triesLeft },
    );
  }
  throw error;
}
