import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import { checkTaskSpec } from "../../task-api/output-schema-rules.ts";
import { PROCESSORS, findProcessor } from "../../task-api/processors.ts";
import type { TaskRunResult } from "../../task-api/output.ts";
import { RunInput } from "../../task-api/run-input.ts";
import { RunStatus, type RunWarning, type TaskRunList } from "../../task-api/run.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { type RunCursor, findRun, listRuns } from "../runs/read-runs.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import type { RunStateMachine } from "../runs/run-state-machine.ts";
import { ApiError, problemsOf, runNotFound, unprocessable } from "./api-error.ts";
import { writeRunEvents } from "./run-events-stream.ts";
import { waitUntilInactive } from "./wait-until-inactive.ts";

export interface RunRoutesContext {
  db: Database;
  feed: ChangeFeed;
  runs: RunStateMachine;
  /** The executor that performs runs created here. */
  executorKey: string;
}

/** `GET …/result` without a `timeout` waits this long. Source: Task API, 8.1. */
const DEFAULT_RESULT_TIMEOUT_SECONDS = 600;
/** The longest wait that any documented client asks for. */
const MAX_RESULT_TIMEOUT_SECONDS = 3_600;

const ResultQuery = z.object({
  timeout: z.coerce
    .number({ error: "timeout is a whole number of seconds" })
    .int("timeout is a whole number of seconds")
    .min(0)
    .max(MAX_RESULT_TIMEOUT_SECONDS)
    .default(DEFAULT_RESULT_TIMEOUT_SECONDS),
});

const CursorFields = z.tuple([z.string(), z.string()]);

const ListQuery = z.object({
  status: RunStatus.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().transform(decodeCursor).optional(),
});

/** The endpoints of task runs. Source: Task API, endpoints 1 to 5; `cancel` and the list are our extensions. */
export function createRunRoutes({ db, feed, runs, executorKey }: RunRoutesContext): Hono {
  const routes = new Hono();

  async function requireRun(runId: string): Promise<RunRecord> {
    const run = await findRun(db, runId);
    if (run === undefined) throw runNotFound();
    return run;
  }

  routes.post("/", async (c) => {
    const input = parseRunInput(await c.req.text());
    const warnings = checkSpec(input);
    const run = await runs.create(input, executorKey, warnings);
    return c.json(toTaskRun(run), 202);
  });

  routes.get("/", async (c) => {
    const page = await listRuns(db, parseQuery(ListQuery, c.req.query()));
    const body: TaskRunList = {
      runs: page.runs.map(toTaskRun),
      next_cursor: page.nextCursor && encodeCursor(page.nextCursor),
    };
    return c.json(body);
  });

  routes.get("/:run_id", async (c) => c.json(toTaskRun(await requireRun(c.req.param("run_id")))));

  routes.get("/:run_id/input", async (c) => {
    const { input } = await requireRun(c.req.param("run_id"));
    return c.json(withoutSecrets(input));
  });

  routes.get("/:run_id/result", async (c) => {
    const { timeout } = parseQuery(ResultQuery, c.req.query());
    const { runId } = await requireRun(c.req.param("run_id"));
    const run = await waitUntilInactive(runId, timeout * 1_000, c.req.raw.signal, { db, feed });
    if (run === undefined) throw runNotFound();
    switch (run.status) {
      case "queued":
      case "running":
      case "cancelling":
        throw new ApiError(408, "Request timed out; run still active");
      case "failed":
        throw new ApiError(404, "Run failed or run id not found: Run failed.");
      case "cancelled":
        throw new ApiError(404, "Run was cancelled; it has no result");
      case "action_required":
        throw new ApiError(404, "Run waits for an action from outside; it has no result yet");
      case "completed": {
        if (run.output === null) throw new Error(`Run ${runId} is completed without an output`);
        const body: TaskRunResult = { run: toTaskRun(run), output: run.output };
        return c.json(body);
      }
    }
  });

  routes.get("/:run_id/events", async (c) => {
    const run = await requireRun(c.req.param("run_id"));
    return streamSSE(c, (stream) => writeRunEvents(stream, run, { db, feed }));
  });

  routes.post("/:run_id/cancel", async (c) => {
    const cancelled = await runs.cancel(c.req.param("run_id"));
    if (cancelled === undefined) throw runNotFound();
    const { run, alreadyFinished } = cancelled;
    if (alreadyFinished) {
      throw new ApiError(409, `Run is already ${run.status}; there is nothing to cancel`, {
        status: run.status,
      });
    }
    return c.json(toTaskRun(run));
  });

  return routes;
}

/** Reads the body of a create request; throws a 422 with every problem, or a 403 for an unknown processor. */
function parseRunInput(text: string): RunInput {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw unprocessable([{ type: "json_invalid", loc: ["body"], msg: "the body must be JSON" }]);
  }
  const parsed = RunInput.safeParse(body);
  if (!parsed.success) throw unprocessable(problemsOf(parsed.error, "body"));
  if (findProcessor(parsed.data.processor) === undefined) {
    throw new ApiError(403, "Forbidden: invalid processor in request", {
      known_processors: PROCESSORS.map((processor) => processor.name),
    });
  }
  return parsed.data;
}

/** What is questionable about the task spec, as warnings of the run; throws a 422 with what the API refuses. */
function checkSpec(input: RunInput): RunWarning[] {
  const { errors, warnings } = checkTaskSpec(input);
  if (errors.length > 0) {
    throw unprocessable(
      errors.map(({ pointer, message }) => ({
        type: "spec_invalid",
        loc: ["body", ...pointer.split("/").slice(1)],
        msg: message,
      })),
    );
  }
  return warnings.map(({ pointer, message }) => ({
    type: "spec_validation_warning",
    message: `${pointer}: ${message}`,
    detail: null,
  }));
}

function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: Record<string, string>,
): z.infer<Schema> {
  const parsed = schema.safeParse(query);
  if (!parsed.success) throw unprocessable(problemsOf(parsed.error, "query"));
  return parsed.data;
}

/** The headers of MCP servers are write-only: they are used, never shown again. */
function withoutSecrets(input: RunInput): RunInput {
  if (!input.mcp_servers) return input;
  return {
    ...input,
    mcp_servers: input.mcp_servers.map(({ headers: _secret, ...server }) => server),
  };
}

function encodeCursor({ createdAt, runId }: RunCursor): string {
  return Buffer.from(JSON.stringify([createdAt, runId])).toString("base64url");
}

function decodeCursor(cursor: string, context: z.RefinementCtx): RunCursor {
  try {
    const text = Buffer.from(cursor, "base64url").toString();
    const [createdAt, runId] = CursorFields.parse(JSON.parse(text));
    return { createdAt, runId };
  } catch {
    context.addIssue({
      code: "custom",
      message: "use the next_cursor of an earlier page, unchanged",
    });
    return z.NEVER;
  }
}
