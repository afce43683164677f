import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import type { TaskRunResult } from "../../task-api/output.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { RunStatus, type TaskRunList } from "../../task-api/run.ts";
import type { Clock } from "../clock.ts";
import { priceOf } from "../runs/accept-runs.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { type RunCursor, findTenantRun, listRuns } from "../runs/read-runs.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import type { RunStateMachine } from "../runs/run-state-machine.ts";
import { admitRuns } from "../tenants/admission.ts";
import { ApiError, problemsOf, runNotFound, unprocessable } from "./api-error.ts";
import { type Answer, answerOnce } from "./idempotency.ts";
import { checkInputs, parseJsonBody } from "./new-run.ts";
import type { RequestEnv } from "./request-context.ts";
import { writeRunEvents } from "./run-events-stream.ts";
import { waitUntilInactive } from "./wait-until-inactive.ts";

export interface RunRoutesContext {
  db: Database;
  feed: ChangeFeed;
  runs: RunStateMachine;
  /** The executor that performs runs created here. */
  executorKey: string;
  clock: Clock;
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
  taskgroup_id: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().transform(decodeCursor).optional(),
});

/** The endpoints of task runs. Source: Task API, endpoints 1 to 5; `cancel` and the list are our extensions. */
export function createRunRoutes({
  db,
  feed,
  runs,
  executorKey,
  clock,
}: RunRoutesContext): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  async function requireRun(c: Context<RequestEnv, "/:run_id/*">): Promise<RunRecord> {
    const run = await findTenantRun(db, c.get("tenant").id, c.req.param("run_id"));
    if (run === undefined) throw runNotFound();
    return run;
  }

  routes.post("/", (c) =>
    answerOnce(c, { db, clock }, async (record) => {
      const tenant = c.get("tenant");
      const value = parseJsonBody(await c.req.text());
      const checked = await checkInputs([{ value, loc: ["body"] }], { db, tenantId: tenant.id });
      const newRuns = checked.map((run) => ({
        ...run,
        tenantId: tenant.id,
        taskgroupId: null,
        executorKey,
      }));
      const answer = ([run]: RunRecord[]): Answer => {
        if (run === undefined) throw new Error("A run was accepted, but is not there");
        return { status: 202, body: toTaskRun(run) };
      };
      const accepted = await runs.accept(newRuns, {
        admit: (trx) =>
          admitRuns(
            trx,
            tenant,
            newRuns.map(({ input }) => priceOf(input)),
            clock.now(),
          ),
        record: (trx, written) => record(trx, answer(written)),
      });
      return answer(accepted);
    }),
  );

  routes.get("/", async (c) => {
    const { taskgroup_id: taskgroupId, ...query } = parseQuery(ListQuery, c.req.query());
    const page = await listRuns(db, { ...query, taskgroupId, tenantId: c.get("tenant").id });
    const body: TaskRunList = {
      runs: page.runs.map(toTaskRun),
      next_cursor: page.nextCursor && encodeCursor(page.nextCursor),
    };
    return c.json(body);
  });

  routes.get("/:run_id", async (c) => c.json(toTaskRun(await requireRun(c))));

  routes.get("/:run_id/input", async (c) => {
    const { input } = await requireRun(c);
    return c.json(withoutSecrets(input));
  });

  routes.get("/:run_id/result", async (c) => {
    const { timeout } = parseQuery(ResultQuery, c.req.query());
    const { runId } = await requireRun(c);
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
    const run = await requireRun(c);
    return streamSSE(c, (stream) => writeRunEvents(stream, run, { db, feed }));
  });

  routes.post("/:run_id/cancel", (c) =>
    answerOnce(c, { db, clock }, async (record) => {
      const { runId } = await requireRun(c);
      const cancelled = await runs.cancel(runId);
      if (cancelled === undefined) throw runNotFound();
      const { run, alreadyFinished } = cancelled;
      if (alreadyFinished) {
        throw new ApiError(409, `Run is already ${run.status}; there is nothing to cancel`, {
          detail: { status: run.status },
        });
      }
      const answer: Answer = { status: 200, body: toTaskRun(run) };
      // Cancelling twice changes nothing, so its answer need not be durable together with it.
      await db.transaction().execute((trx) => record(trx, answer));
      return answer;
    }),
  );

  return routes;
}

export function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: Record<string, string>,
): z.infer<Schema> {
  const parsed = schema.safeParse(query);
  if (!parsed.success) throw unprocessable(problemsOf(parsed.error, ["query"]));
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
