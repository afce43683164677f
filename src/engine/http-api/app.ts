import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Logger } from "pino";
import type { Metrics } from "../metrics.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { ApiError } from "./api-error.ts";
import { readBetaHeader } from "./beta-header.ts";
import { limitBody, requireJson } from "./body-guard.ts";
import { guardEndpoints } from "./guard-endpoints.ts";
import { REQUEST_ID_HEADER } from "../../http-server/request-id.ts";
import { toAnswerBody, toApiError } from "./error-answer.ts";
import { createEventStreams } from "./event-streams.ts";
import { createGroupRoutes } from "./group-routes.ts";
import type { ApiLimits } from "./limits.ts";
import { createOperatorRoutes } from "./operator-routes.ts";
import type { Profile } from "./profile.ts";
import { type ProcessorRoutesContext, createProcessorRoutes } from "./processor-routes.ts";
import type { RequestEnv } from "./request-context.ts";
import { createRunEventRoutes } from "./run-event-routes.ts";
import { type RunRoutesContext, createRunRoutes } from "./run-routes.ts";

export interface TaskApiContext extends Omit<RunRoutesContext, "streams">, ProcessorRoutesContext {
  tenants: Tenants;
  profile: Profile;
  /** Whether the features that some sources call beta need their value in `parallel-beta`. */
  requireBetas: boolean;
  limits: ApiLimits;
  metrics: Metrics;
  log: Logger;
}

/** The engine's HTTP API: the Task API, served. */
export function createTaskApi(context: TaskApiContext): Hono<RequestEnv> {
  const { tenants, profile, requireBetas, limits, metrics, log } = context;
  const app = new Hono<RequestEnv>();

  app.use(async (c, next) => {
    const refId = randomUUID();
    c.set("refId", refId);
    c.set("profile", profile);
    c.set("betas", readBetaHeader(c.req.header("parallel-beta"), requireBetas));
    c.header(REQUEST_ID_HEADER, refId);
    await next();
    metrics.countRequest(c.req.method, c.get("endpoint"), c.res.status);
  });

  app.onError((error, c) => {
    const refId = c.get("refId");
    const answer = toApiError(error);
    if (answer.status >= 500) {
      log.error({ ref_id: refId, err: error, path: c.req.path }, "request failed");
    } else {
      log.debug({ ref_id: refId, status: answer.status, reason: answer.message }, "refused");
    }
    const body = toAnswerBody(answer, refId, { profile, path: c.req.path });
    return c.json(body, answer.status, answer.headers);
  });

  app.use(guardEndpoints(profile));
  app.route("/", createOperatorRoutes(context));

  for (const path of ["/v1/*", "/v1beta/*"]) {
    app.use(path, async (c, next) => {
      const tenant = tenants.find(c.req.header("x-api-key"));
      if (tenant === undefined)
        throw new ApiError(401, "Unauthorized: invalid or missing credentials");
      c.set("tenant", tenant);
      await next();
    });
  }
  app.use(requireJson);
  const limitGroupRuns = limitBody(limits.groupRunsBodyBytes);
  const limitOthers = limitBody(limits.bodyBytes);
  app.use((c, next) =>
    (addsRunsToGroup(c.get("endpoint")) ? limitGroupRuns : limitOthers)(c, next),
  );

  const streams = createEventStreams({ limits, openStreams: metrics.openStreams, log });
  const routesContext = { ...context, streams };
  app.route("/", createProcessorRoutes(context));
  app.route("/", createRunRoutes(routesContext));
  app.route("/", createRunEventRoutes(routesContext));
  app.route("/", createGroupRoutes(routesContext));
  return app;
}

function addsRunsToGroup(endpoint: string): boolean {
  return endpoint.endsWith("/tasks/groups/:taskgroup_id/runs");
}
