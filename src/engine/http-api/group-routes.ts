import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import { RunStatus } from "../../task-api/run.ts";
import {
  CreateTaskGroupBody,
  type TaskGroup,
  TaskGroupLimits,
  type TaskGroupRunResponse,
} from "../../task-api/task-group.ts";
import { formatTimestamp } from "../../runtime/clock.ts";
import { createGroup } from "../runs/create-group.ts";
import { type GroupRecord, findGroup, groupExists, readFirstEventId } from "../runs/read-groups.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";
import { admitRuns } from "../tenants/admission.ts";
import { ApiError, problemsOf, runNotFound, unprocessable } from "./api-error.ts";
import { LastEventId, runEventId } from "./group-event-ids.ts";
import { writeGroupEvents } from "./group-events-stream.ts";
import { readGroupInputs } from "./group-inputs.ts";
import { writeGroupRuns } from "./group-runs-stream.ts";
import { type Answer, answerOnce } from "./idempotency.ts";
import { checkInputs, parseJsonBody } from "./new-run.ts";
import { createLookPace } from "./poll-throttle.ts";
import type { RequestEnv } from "./request-context.ts";
import { requireRun } from "./require-run.ts";
import { type RunRoutesContext, parseQuery } from "./run-routes.ts";

/** The official client writes null as an empty value. */
const orEmpty = <Value extends z.ZodType>(value: Value) =>
  z.preprocess((given) => (given === "" ? undefined : given), value.optional());

const Flag = z.stringbool({ error: "write true or false" });

/** Counting the runs of a group is one look at an index, so a status is never a cached one. */
const AddRunsQuery = z.object({ refresh_status: orEmpty(Flag) });

const RunsQuery = z.object({
  last_event_id: LastEventId,
  status: orEmpty(RunStatus),
  include_input: orEmpty(Flag),
  include_output: orEmpty(Flag),
});

const TIMEOUT_RULE = `timeout is a number of seconds, 0 to ${TaskGroupLimits.eventStreamSeconds}`;

const EventsQuery = z.object({
  last_event_id: LastEventId,
  timeout: orEmpty(
    z.coerce
      .number({ error: TIMEOUT_RULE })
      .min(0, TIMEOUT_RULE)
      .max(TaskGroupLimits.eventStreamSeconds, TIMEOUT_RULE),
  ),
});

const groupNotFound = () => new ApiError(404, "TaskGroup not found");

/**
 * The endpoints of task groups. Their 422 has the API's own body, as everywhere here, where the API's documentation
 * shows its framework's list. Source: Task API, endpoints 6 to 11; `cancel` is our extension.
 */
export function createGroupRoutes(context: RunRoutesContext): Hono<RequestEnv> {
  const { db, feed, runs, executorKey, priceOf, clock, streams, webhooks, warningsFor } = context;
  const paceLooks = createLookPace(clock);
  const routes = new Hono<RequestEnv>();

  async function requireGroup(
    c: Context<RequestEnv, "/:taskgroup_id/*">,
    from = db,
  ): Promise<GroupRecord> {
    const group = await findGroup(from, c.get("tenant").id, c.req.param("taskgroup_id"));
    if (group === undefined) throw groupNotFound();
    return group;
  }

  /** The id of a group that exists, for those who need no more of it. */
  async function requireGroupId(c: Context<RequestEnv, "/:taskgroup_id/*">): Promise<string> {
    const taskgroupId = c.req.param("taskgroup_id");
    if (await groupExists(db, c.get("tenant").id, taskgroupId)) return taskgroupId;
    throw groupNotFound();
  }

  routes.post("/", (c) =>
    answerOnce(c, { db, clock }, async (record) => {
      const parsed = CreateTaskGroupBody.safeParse(parseJsonBody(await c.req.text()));
      if (!parsed.success) throw unprocessable(problemsOf(parsed.error, ["body"]));
      const tenantId = c.get("tenant").id;
      const metadata = parsed.data.metadata ?? {};
      return db.transaction().execute(async (trx) => {
        const at = formatTimestamp(clock.now());
        const taskgroupId = await createGroup(trx, { tenantId, metadata }, at);
        const group = await findGroup(trx, tenantId, taskgroupId);
        if (group === undefined) throw groupNotFound();
        const answer: Answer = { status: 200, body: toTaskGroup(group) };
        await record(trx, answer);
        return answer;
      });
    }),
  );

  routes.get("/:taskgroup_id", async (c) => c.json(toTaskGroup(await requireGroup(c))));

  routes.post("/:taskgroup_id/runs", (c) =>
    answerOnce(c, { db, clock }, async (record) => {
      const tenant = c.get("tenant");
      parseQuery(AddRunsQuery, c.req.query());
      const taskgroupId = await requireGroupId(c);
      const { values, problems } = readGroupInputs(parseJsonBody(await c.req.text()));
      const checked = await checkInputs(values, {
        db,
        tenantId: tenant.id,
        betas: c.get("betas"),
        webhooks,
        profile: c.get("profile"),
        warningsFor,
        nowMs: clock.now(),
        problems,
      });
      const newRuns = checked.map((run) => ({
        ...run,
        tenantId: tenant.id,
        taskgroupId,
        priceUsd: priceOf(run.input.processor, tenant),
        executorKey,
      }));
      const prices = newRuns.map(({ priceUsd }) => priceUsd);
      const told: { answer?: Answer } = {};
      await runs.accept(newRuns, {
        admit: (trx) => admitRuns(trx, tenant, prices, clock.now()),
        record: async (trx, accepted) => {
          const group = await requireGroup(c, trx);
          const cursor = await readCursor(trx, group, accepted);
          const body: TaskGroupRunResponse = {
            status: group.status,
            run_ids: accepted.map(({ runId }) => runId),
            run_cursor: cursor,
            event_cursor: cursor,
          };
          told.answer = { status: 200, body };
          await record(trx, told.answer);
        },
      });
      if (told.answer === undefined) throw new Error("Runs were accepted without an answer");
      return told.answer;
    }),
  );

  routes.get("/:taskgroup_id/runs", async (c) => {
    const { last_event_id: place, ...query } = parseQuery(RunsQuery, c.req.query());
    const taskgroupId = await requireGroupId(c);
    const wanted = {
      after: place.after,
      status: query.status,
      includeInput: query.include_input ?? false,
      includeOutput: query.include_output ?? false,
    };
    return streams.open(c, (stream) => writeGroupRuns(stream, taskgroupId, wanted, { db, feed }));
  });

  routes.get("/:taskgroup_id/runs/:run_id", async (c) => {
    const taskgroupId = await requireGroupId(c);
    const run = await requireRun(c, db);
    if (run.taskgroupId !== taskgroupId) throw runNotFound();
    return c.json(toTaskRun(run));
  });

  routes.get("/:taskgroup_id/events", async (c) => {
    const { last_event_id: place, timeout } = parseQuery(EventsQuery, c.req.query());
    const taskgroupId = await requireGroupId(c);
    const group = { tenantId: c.get("tenant").id, taskgroupId };
    const timeoutMs = (timeout ?? TaskGroupLimits.eventStreamSeconds) * 1_000;
    return streams.open(c, (stream) =>
      writeGroupEvents(stream, group, { place, timeoutMs }, { db, feed, clock, paceLooks }),
    );
  });

  routes.post("/:taskgroup_id/cancel", (c) =>
    answerOnce(c, { db, clock }, async (record) => {
      const taskgroupId = await requireGroupId(c);
      return runs.cancelGroup(taskgroupId, async (trx) => {
        const answer: Answer = { status: 200, body: toTaskGroup(await requireGroup(c, trx)) };
        await record(trx, answer);
        return answer;
      });
    }),
  );

  return routes;
}

function toTaskGroup({ taskgroupId, metadata, status, createdAt }: GroupRecord): TaskGroup {
  return { taskgroup_id: taskgroupId, metadata, status, created_at: createdAt };
}

/** Where the streams of a group stand just before the runs that were added; null when it had no others. */
async function readCursor(
  db: Database,
  { status, position }: GroupRecord,
  [first, ...others]: readonly RunRecord[],
): Promise<string | null> {
  if (first === undefined) return status.num_task_runs === 0 ? null : runEventId(position);
  if (status.num_task_runs === 1 + others.length) return null;
  return runEventId((await readFirstEventId(db, first.runId)) - 1);
}
