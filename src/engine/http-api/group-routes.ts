import { type Context, Hono } from "hono";
import {
  CreateTaskGroupBody,
  type TaskGroup,
  type TaskGroupRunResponse,
} from "../../task-api/task-group.ts";
import type { AddedRuns, GroupRecord } from "../runs/group-store.ts";
import { toTaskRun } from "../runs/run-record.ts";
import { groupNotFound, problemsOf, runNotFound, unprocessable } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { groupEndpoints } from "./endpoints/group-endpoints.ts";
import { runEventId } from "./group-event-ids.ts";
import { writeGroupEvents } from "./group-events-stream.ts";
import { readGroupInputs } from "./group-inputs.ts";
import { writeGroupRuns } from "./group-runs-stream.ts";
import { type Answer, answerOnce } from "./idempotency.ts";
import { checkInputs, parseJsonBody } from "./new-run.ts";
import { createPollThrottle } from "./poll-throttle.ts";
import type { RequestEnv } from "./request-context.ts";
import { requireRun } from "./run-routes.ts";
import type { RunRoutesContext } from "./run-routes.ts";

/**
 * The endpoints of task groups. Their 422 has the API's own body, as everywhere here, where the API's documentation
 * shows its framework's list. Source: Task API, endpoints 6 to 11; `cancel` is our extension.
 */
export function createGroupRoutes(context: RunRoutesContext): Hono<RequestEnv> {
  const { runs, executorKey, priceOf, clock, streams, webhooks, warningsFor } = context;
  const throttlePolls = createPollThrottle(clock);
  const routes = new Hono<RequestEnv>();

  async function requireGroup(c: Context<RequestEnv, "/:taskgroup_id/*">): Promise<GroupRecord> {
    const group = await runs.groups.find(c.get("tenant").id, c.req.param("taskgroup_id"));
    if (group === undefined) throw groupNotFound();
    return group;
  }

  /**
   * The group id in the path, for handlers that need nothing else of the group. Throws a 404 if there is no such group.
   */
  async function requireGroupId(c: Context<RequestEnv, "/:taskgroup_id/*">): Promise<string> {
    const taskgroupId = c.req.param("taskgroup_id");
    if (await runs.groups.exists(c.get("tenant").id, taskgroupId)) return taskgroupId;
    throw groupNotFound();
  }

  handle(routes, groupEndpoints.createTaskGroup, (c) =>
    answerOnce(c, runs.answers, async (keep) => {
      const parsed = CreateTaskGroupBody.safeParse(parseJsonBody(await c.req.text()));
      if (!parsed.success) throw unprocessable(problemsOf(parsed.error, ["body"]));
      const tenantId = c.get("tenant").id;
      const metadata = parsed.data.metadata ?? {};
      const answer = (group: GroupRecord): Answer => ({ status: 200, body: toTaskGroup(group) });
      const group = await runs.groups.create({ tenantId, metadata }, (created) =>
        keep(answer(created)),
      );
      return answer(group);
    }),
  );

  handle(routes, groupEndpoints.retrieveTaskGroup, async (c) =>
    c.json(toTaskGroup(await requireGroup(c))),
  );

  handle(routes, groupEndpoints.addTaskGroupRuns, (c) =>
    answerOnce(c, runs.answers, async (keep) => {
      const tenant = c.get("tenant");
      const taskgroupId = await requireGroupId(c);
      const { values, problems } = readGroupInputs(parseJsonBody(await c.req.text()));
      const checked = await checkInputs(values, {
        runs,
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
      const added = await runs.groups.addRuns({ tenantId: tenant.id, taskgroupId }, newRuns, {
        tenant,
        keep: (result) => keep(toAddedAnswer(result)),
      });
      if (added === undefined) throw groupNotFound();
      return toAddedAnswer(added);
    }),
  );

  handle(
    routes,
    groupEndpoints.streamTaskGroupRuns,
    async (c, { last_event_id: place, ...query }) => {
      const taskgroupId = await requireGroupId(c);
      const wanted = {
        after: place.after,
        status: query.status,
        includeInput: query.include_input,
        includeOutput: query.include_output,
      };
      return streams.open(c, (stream) => writeGroupRuns(stream, taskgroupId, wanted, runs));
    },
  );

  handle(routes, groupEndpoints.retrieveTaskGroupRun, async (c) => {
    const taskgroupId = await requireGroupId(c);
    const run = await requireRun(c, runs);
    if (run.taskgroupId !== taskgroupId) throw runNotFound();
    return c.json(toTaskRun(run));
  });

  handle(
    routes,
    groupEndpoints.streamTaskGroupEvents,
    async (c, { last_event_id: place, timeout }) => {
      const taskgroupId = await requireGroupId(c);
      const group = { tenantId: c.get("tenant").id, taskgroupId };
      const timeoutMs = timeout * 1_000;
      return streams.open(c, (stream) =>
        writeGroupEvents(stream, group, { place, timeoutMs }, { runs, clock, throttlePolls }),
      );
    },
  );

  handle(routes, groupEndpoints.cancelTaskGroup, (c) =>
    answerOnce(c, runs.answers, async (keep) => {
      const taskgroupId = await requireGroupId(c);
      const answer = (group: GroupRecord): Answer => ({ status: 200, body: toTaskGroup(group) });
      const group = await runs.groups.cancel(
        { tenantId: c.get("tenant").id, taskgroupId },
        (cancelled) => keep(answer(cancelled)),
      );
      if (group === undefined) throw groupNotFound();
      return answer(group);
    }),
  );

  return routes;
}

function toTaskGroup({ taskgroupId, metadata, status, createdAt }: GroupRecord): TaskGroup {
  return { taskgroup_id: taskgroupId, metadata, status, created_at: createdAt };
}

function toAddedAnswer({ runs, group, before }: AddedRuns): Answer {
  // The position in the group's stream just before these runs.
  const cursor = before === null ? null : runEventId(before);
  const body: TaskGroupRunResponse = {
    status: group.status,
    run_ids: runs.map(({ runId }) => runId),
    run_cursor: cursor,
    event_cursor: cursor,
  };
  return { status: 200, body };
}
