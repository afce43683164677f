import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "pino";
import { DatabaseLocked } from "../../database/sqlite-dialect.ts";
import type { ErrorBody } from "../../task-api/error-body.ts";
import { ApiError } from "./api-error.ts";
import { type RunRoutesContext, createRunRoutes } from "./run-routes.ts";

/** A task spec and its input have at most 25,000 characters together; the rest of a run input is small. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface TaskApiContext extends RunRoutesContext {
  /** The key that callers must send as `x-api-key`; none: the API is open. */
  apiKey: string | undefined;
  log: Logger;
}

/** The engine's HTTP API: the Task API, served. */
export function createTaskApi({ apiKey, log, ...context }: TaskApiContext): Hono {
  const app = new Hono();

  function answerError(c: Context, error: ApiError, refId: string): Response {
    const body: ErrorBody = {
      type: "error",
      error: { ref_id: refId, message: error.message, detail: error.detail },
    };
    return c.json(body, error.status);
  }

  app.onError((error, c) => {
    const refId = randomUUID();
    if (error instanceof ApiError) {
      log.debug({ ref_id: refId, status: error.status, message: error.message }, "request refused");
      return answerError(c, error, refId);
    }
    log.error({ ref_id: refId, err: error, path: c.req.path }, "request failed");
    return answerError(c, toApiError(error), refId);
  });
  app.notFound(() => {
    throw new ApiError(404, "No such endpoint");
  });

  if (apiKey !== undefined) {
    app.use(async (c, next) => {
      if (!isSameSecret(c.req.header("x-api-key") ?? "", apiKey)) {
        throw new ApiError(401, "Unauthorized: invalid or missing credentials");
      }
      await next();
    });
  }
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

/** What a caller may know of an error that is not its own. */
function toApiError(error: Error): ApiError {
  return error instanceof DatabaseLocked
    ? new ApiError(503, error.message)
    : new ApiError(500, "Internal error; the log has its cause");
}

/** Compares in constant time; hashing first makes the lengths equal. */
function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
