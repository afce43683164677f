import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "pino";
import { DatabaseLocked } from "../../database/sqlite-dialect.ts";
import type { ErrorBody } from "../../task-api/error-body.ts";
import { BudgetExceeded, QuotaExceeded } from "../tenants/admission.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { ApiError } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";
import { type RunRoutesContext, createRunRoutes } from "./run-routes.ts";

/** A task spec and its input have at most 25,000 characters together; the rest of a run input is small. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface TaskApiContext extends RunRoutesContext {
  tenants: Tenants;
  log: Logger;
}

/** The engine's HTTP API: the Task API, served. */
export function createTaskApi({ tenants, log, ...context }: TaskApiContext): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  app.use(async (c, next) => {
    c.set("refId", randomUUID());
    await next();
  });

  app.onError((error, c) => {
    const refId = c.get("refId");
    const answer = toApiError(error);
    if (answer.status >= 500) {
      log.error({ ref_id: refId, err: error, path: c.req.path }, "request failed");
    } else {
      log.debug({ ref_id: refId, status: answer.status, reason: answer.message }, "refused");
    }
    const body: ErrorBody = {
      type: "error",
      error: { ref_id: refId, message: answer.message, detail: answer.detail },
    };
    return c.json(body, answer.status, answer.headers);
  });
  app.notFound(() => {
    throw new ApiError(404, "No such endpoint");
  });

  app.use("/v1/*", async (c, next) => {
    const tenant = tenants.find(c.req.header("x-api-key"));
    if (tenant === undefined)
      throw new ApiError(401, "Unauthorized: invalid or missing credentials");
    c.set("tenant", tenant);
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ApiError(413, `The body is larger than ${MAX_BODY_BYTES} bytes; shorten it`);
      },
    }),
  );
  app.route("/v1/tasks/runs", createRunRoutes(context));
  return app;
}

/** What a caller may know of an error. */
function toApiError(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DatabaseLocked) return new ApiError(503, error.message);
  if (error instanceof BudgetExceeded) return new ApiError(402, error.message);
  if (error instanceof QuotaExceeded) {
    return new ApiError(429, error.message, {
      headers: { "retry-after": String(error.retryAfterSeconds) },
    });
  }
  return new ApiError(500, "Internal error; the log has its cause under this ref_id");
}
