import { randomUUID } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import type { Metrics } from "../metrics.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { ApiError } from "./api-error.ts";
import { readBetaHeader } from "./beta-header.ts";
import { REQUEST_ID_HEADER } from "../../http-server/request-id.ts";
import { toAnswerBody, toApiError } from "./error-answer.ts";
import { type AnswerRoutesContext, createAnswerRoutes } from "./answer-routes.ts";
import { createEventStreams } from "./event-streams.ts";
import { type EvidenceRoutesContext, createEvidenceRoutes } from "./evidence-routes.ts";
import { createGroupRoutes } from "./group-routes.ts";
import type { ApiLimits } from "./limits.ts";
import {
  type ProcessorRoutesContext,
  createOperatorRoutes,
  createProcessorRoutes,
} from "./operator-routes.ts";
import type { Profile } from "./profile.ts";
import type { RequestEnv } from "./request-context.ts";
import { type RunRoutesContext, createRunEventRoutes, createRunRoutes } from "./run-routes.ts";
import { bodyLimit } from "hono/body-limit";
import { TrieRouter } from "hono/router/trie-router";
import { endpointPaths } from "./endpoints/endpoint.ts";
import { listEndpoints } from "./endpoints/list-endpoints.ts";

export interface TaskApiContext
  extends
    Omit<RunRoutesContext, "streams">,
    ProcessorRoutesContext,
    EvidenceRoutesContext,
    AnswerRoutesContext {
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
  app.route("/", createEvidenceRoutes(context));
  app.route("/", createAnswerRoutes(context));
  app.route("/", createGroupRoutes(routesContext));
  return app;
}

function addsRunsToGroup(endpoint: string): boolean {
  return endpoint.endsWith("/tasks/groups/:taskgroup_id/runs");
}

/** Refuses a body that declares itself as something else than JSON. One that declares nothing is read as JSON. */
export const requireJson: MiddlewareHandler<RequestEnv> = async (c, next) => {
  if (c.req.method === "POST") {
    const type = c.req.header("content-type");
    if (type !== undefined && !JSON_TYPE.test(type)) {
      throw new ApiError(415, "Unsupported media type: send the body as application/json");
    }
    const encoding = c.req.header("content-encoding");
    if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
      throw new ApiError(415, "Unsupported content encoding: send the body uncompressed");
    }
  }
  await next();
};

const JSON_TYPE = /^\s*application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i;

/** Refuses bodies of more than `maxBytes` without reading them to their end. */
export function limitBody(maxBytes: number): MiddlewareHandler<RequestEnv> {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new ApiError(413, `The body is larger than ${maxBytes} bytes; shorten it`);
    },
  });
}

interface MethodOfPath {
  method: string;
  path: string;
}

/** The method under which Hono registers what is for all of them. */
const EVERY_METHOD = "ALL";

/**
 * Answers for what is no endpoint of the profile: an unknown path with 404, a known one with another method with 405,
 * and `OPTIONS` with the methods it has. Stands before authentication, because which endpoints there are is no secret.
 * `HEAD` is a `GET` whose body is not sent. Source: RFC 9110, 9.3 and 15.5.6.
 */
export function guardEndpoints(profile: Profile): MiddlewareHandler<RequestEnv> {
  const router = new TrieRouter<MethodOfPath>();
  for (const endpoint of listEndpoints(profile)) {
    const { method } = endpoint;
    for (const path of endpointPaths(endpoint)) router.add(EVERY_METHOD, path, { method, path });
  }
  return async (c, next) => {
    const found = router.match(EVERY_METHOD, c.req.path)[0].map(([endpoint]) => endpoint);
    const [first] = found;
    if (first === undefined) throw new ApiError(404, "No such endpoint");
    c.set("endpoint", first.path);

    const methods = found.map(({ method }) => method);
    const allowed = [
      ...methods,
      ...(methods.includes("GET") ? ["HEAD"] : []),
      "OPTIONS",
    ].toSorted();
    const allow = allowed.join(", ");
    if (c.req.method === "OPTIONS") return c.body(null, 204, { allow });
    if (!allowed.includes(c.req.method)) {
      throw new ApiError(405, `Method Not Allowed: use one of ${allow}`, { headers: { allow } });
    }
    return next();
  };
}
