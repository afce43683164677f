import { RequestError, getRequestListener } from "@hono/node-server";
import type { Logger } from "pino";
import { CONNECTION_LIMITS, type ConnectionLimits } from "../../http-server/connection-limits.ts";
import { createHostCheck } from "../../http-server/host-validation.ts";
import { createHttpServer, listen } from "../../http-server/listen.ts";
import { REQUEST_ID_HEADER, newRequestId } from "../../http-server/request-id.ts";
import { ApiError } from "./api-error.ts";
import { toApiError, toErrorBody } from "./error-answer.ts";

/** An HTTP server in front of a request handler. */
export interface TaskApiServer {
  /** Base URL, with the port that was really taken. */
  url: string;
  /** Stops listening and ends every open connection. */
  close(): Promise<void>;
}

export interface ServeOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Logs rejected connections and errors outside the handler. */
  log?: Logger;
  /** How connections are treated, where it is to be other than {@link CONNECTION_LIMITS}. */
  limits?: Partial<ConnectionLimits>;
}

/**
 * Listens on `host`:`port`. A loopback address answers only requests that were sent to one. Rejects with the system's
 * error when it cannot listen.
 */
export async function serveTaskApi(
  fetch: (request: Request) => Promise<Response>,
  { host, port, log, limits: changed }: ServeOptions,
): Promise<TaskApiServer> {
  const limits = { ...CONNECTION_LIMITS, ...changed };
  const server = createHttpServer(limits, {
    // Node's own error has no body, so the handler rejects requests without a host with an error of the API.
    requireHostHeader: false,
    answerClientError: ({ status, message, reason }) => {
      const refId = newRequestId();
      log?.debug({ ref_id: refId, status, reason }, "refused");
      const text = status === 400 ? `Bad request: ${message}` : message;
      return { requestId: refId, body: toErrorBody(new ApiError(status, text), refId) };
    },
    log,
  });
  const { address, url } = await listen(server, { host, port, backlog: limits.backlog });
  const isOwnHost = createHostCheck(address, host);
  const answer = getRequestListener(
    async (request) => {
      if (isOwnHost(request.headers.get("host"))) return fetch(request);
      // Not 403, which in this API means an unknown processor. 421 means that the name is not this server's (RFC 9110,
      // 15.5.20).
      throw new ApiError(421, MISDIRECTED);
    },
    { errorHandler: (error) => answerOutsideError(error, log) },
  );
  server.on("request", (request, response) => void answer(request, response));
  return {
    url,
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        // Long polls and event streams would keep the server open for minutes; their callers come back.
        server.closeAllConnections();
      }),
  };
}

const MISDIRECTED =
  "Misdirected request: this server answers to localhost and loopback addresses only. Call it by one of these, or let your proxy send one as Host.";

/** Answers for what failed before or beside the handler, such as a request without a usable `Host`. */
function answerOutsideError(error: unknown, log: Logger | undefined): Response {
  const refId = newRequestId();
  const answer =
    error instanceof RequestError
      ? new ApiError(400, `Bad request: ${error.message}`)
      : toApiError(error);
  if (answer.status >= 500) log?.error({ ref_id: refId, err: error }, "request failed");
  else log?.debug({ ref_id: refId, status: answer.status, reason: answer.message }, "refused");
  return Response.json(toErrorBody(answer, refId), {
    status: answer.status,
    headers: { [REQUEST_ID_HEADER]: refId },
  });
}
