import { Hono, type Context } from "hono";
import type { TaskRunResult } from "../../task-api/output.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { RequestCheck, TaskRunList } from "../../task-api/run.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Executor } from "../executors/executor.ts";
import type { PriceOf } from "../price-overrides.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { WebhookRules } from "../webhooks/check-webhook.ts";
import { ApiError, runNotFound, unprocessable } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";
import type { EventStreams } from "./event-streams.ts";
import { readGroupInputs } from "./group-inputs.ts";
import { type Answer, answerOnce } from "./idempotency.ts";
import type { ApiLimits } from "./limits.ts";
import { checkInputs, parseJsonBody } from "./new-run.ts";
import type { RequestEnv } from "./request-context.ts";
import { createWaitUntilInactive } from "./wait-until-inactive.ts";
import { encodeCursor } from "./run-cursor.ts";
import { endsStream, writeRunEvents } from "./run-events-stream.ts";

export interface RunRoutesContext {
  runs: RunStore;
  /** The executor that performs runs created here. */
  executorKey: string;
  priceOf: PriceOf;
  clock: Clock;
  /** How event streams are answered. */
  streams: EventStreams;
  limits: ApiLimits;
  webhooks: WebhookRules;
  /** The executor's warnings about an input before it runs; see {@link Executor}. */
  warningsFor: NonNullable<Executor["warningsFor"]>;
}

/** The endpoints of task runs. Source: Task API, endpoints 1 to 4; `cancel`, `check` and the list are our extensions. */
export function createRunRoutes({
  runs,
  executorKey,
  priceOf,
  clock,
  webhooks,
  warningsFor,
}: RunRoutesContext): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  const waitUntilInactive = createWaitUntilInactive(runs);

  handle(routes, runEndpoints.createTaskRun, (c) =>
    answerOnce(c, runs.answers, async (keep) => {
      const tenant = c.get("tenant");
      const value = parseJsonBody(await c.req.text());
      const checked = await checkInputs([{ value, loc: ["body"] }], {
        runs,
        tenantId: tenant.id,
        betas: c.get("betas"),
        webhooks,
        profile: c.get("profile"),
        warningsFor,
        nowMs: clock.now(),
      });
      const newRuns = checked.map((run) => ({
        ...run,
        tenantId: tenant.id,
        taskgroupId: null,
        priceUsd: priceOf(run.input.processor, tenant),
        executorKey,
      }));
      const answer = ([run]: RunRecord[]): Answer => {
        if (run === undefined) throw new Error("A run was accepted, but is not there");
        return { status: 202, body: toTaskRun(run) };
      };
      const accepted = await runs.accept(newRuns, {
        tenant,
        keep: (written) => keep(answer(written)),
      });
      return answer(accepted);
    }),
  );

  handle(routes, runEndpoints.listTaskRuns, async (c, { taskgroup_id: taskgroupId, ...query }) => {
    const page = await runs.list({ ...query, taskgroupId, tenantId: c.get("tenant").id });
    const body: TaskRunList = {
      runs: page.runs.map(toTaskRun),
      next_cursor: page.nextCursor && encodeCursor(page.nextCursor),
    };
    return c.json(body);
  });

  handle(routes, runEndpoints.checkTaskRuns, async (c) => {
    const body = parseJsonBody(await c.req.text());
    const isGroup = isJsonObject(body) && Object.hasOwn(body, "inputs");
    const { values, problems } = isGroup
      ? readGroupInputs(body)
      : { values: [{ value: body, loc: ["body"] }], problems: [] };
    const checked = await checkInputs(values, {
      runs,
      tenantId: c.get("tenant").id,
      betas: c.get("betas"),
      webhooks,
      profile: c.get("profile"),
      warningsFor,
      nowMs: clock.now(),
      problems,
    });
    const warnings = new Map(
      checked.flatMap((run) => run.warnings.map((warning) => [warning.message, warning] as const)),
    );
    const answer: RequestCheck = { warnings: [...warnings.values()] };
    return c.json(answer);
  });

  handle(routes, runEndpoints.retrieveTaskRun, async (c) =>
    c.json(toTaskRun(await requireRun(c, runs))),
  );

  handle(routes, runEndpoints.retrieveTaskRunInput, async (c) => {
    const { input } = await requireRun(c, runs);
    return c.json(withoutSecrets(input));
  });

  handle(routes, runEndpoints.retrieveTaskRunResult, async (c, { timeout }) => {
    const { runId } = await requireRun(c, runs);
    const run = await waitUntilInactive(runId, timeout * 1_000, c.req.raw.signal);
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

  handle(routes, runEndpoints.cancelTaskRun, (c) =>
    answerOnce(c, runs.answers, async (keep) => {
      const { runId } = await requireRun(c, runs);
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
      const kept = keep(answer);
      if (kept !== null) await runs.answers.keep(kept);
      return answer;
    }),
  );

  return routes;
}

/** The headers of MCP servers are write-only: they are used, never shown again. */
export function withoutSecrets(input: RunInput): RunInput {
  if (!input.mcp_servers) return input;
  return {
    ...input,
    mcp_servers: input.mcp_servers.map(({ headers: _secret, ...server }) => server),
  };
}

/** The event stream of a run, under the path it has now and the one it had. Source: Task API, endpoints 5 and 5b. */
export function createRunEventRoutes({
  runs,
  streams,
  limits,
}: Pick<RunRoutesContext, "runs" | "streams" | "limits">): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  handle(routes, runEndpoints.streamTaskRunEvents, async (c) => {
    const { runId } = await requireRun(c, runs);
    const profile = c.get("profile");
    const after =
      profile === "hosted" ? null : await readCursor(runId, c.req.header("last-event-id"));
    // The client has everything. Told so this way, an `EventSource` does not come back. Source: HTML, 9.2.3.
    if (after === "end") return c.body(null, 204);
    return streams.open(c, (stream) =>
      writeRunEvents(stream, { runId, after, profile }, { runs, limits }),
    );
  });

  /** The number of the event that a client saw last; null for one that begins, `end` when it was the last of all. */
  async function readCursor(
    runId: string,
    header: string | undefined,
  ): Promise<number | null | "end"> {
    if (header === undefined || header === "") return null;
    const seq = /^[1-9]\d{0,14}$/.test(header) ? Number(header) : undefined;
    const [event] = seq === undefined ? [] : await runs.readEvents(runId, seq - 1);
    if (event === undefined || event.seq !== seq) {
      throw unprocessable([
        {
          type: "cursor_unknown",
          loc: ["header", "last-event-id"],
          msg: "use the id of an event of this run's stream, or leave the header out",
        },
      ]);
    }
    return event.kind === "state" && endsStream(event.status, "extended") ? "end" : seq;
  }

  return routes;
}

/** The run that a path names, if it is the caller's; else throws a 404. */
export async function requireRun(
  c: Context<RequestEnv, "/:run_id/*">,
  runs: RunStore,
): Promise<RunRecord> {
  const run = await runs.find(c.req.param("run_id"));
  if (run === undefined || run.tenantId !== c.get("tenant").id) throw runNotFound();
  return run;
}
