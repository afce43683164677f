import { randomUUID } from "node:crypto";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RequestError, getRequestListener } from "@hono/node-server";
import type { Logger } from "pino";
import { ApiError } from "./api-error.ts";
import { answerClientErrors } from "./client-errors.ts";
import { REQUEST_ID_HEADER, toApiError, toErrorBody } from "./error-answer.ts";
import { CONNECTION_LIMITS, type ConnectionLimits } from "./limits.ts";
import { requireOwnHost } from "../../http-server/host-validation.ts";
import { dropUnreadConnections } from "../../http-server/slow-clients.ts";

/** An HTTP server in front of a request handler. */
export interface HttpServer {
  /** Base URL, with the port that was really taken. */
  url: string;
  /** Stops listening and ends every open connection. */
  close(): Promise<void>;
}

export interface ServeOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Where refused connections and failures outside the handler are written. */
  log?: Logger;
  /** How connections are treated, where it is to be other than {@link CONNECTION_LIMITS}. */
  limits?: Partial<ConnectionLimits>;
}

/**
 * Listens on `host`:`port`. A loopback address answers only requests that were sent to one. Rejects with the system's
 * error when it cannot listen.
 */
export async function serveHttp(
  fetch: (request: Request) => Promise<Response>,
  { host, port, log, limits: changed }: ServeOptions,
): Promise<HttpServer> {
  const limits = { ...CONNECTION_LIMITS, ...changed };
  const server = createServer({
    // Node's own refusal has no body; the handler refuses such requests with the API's.
    requireHostHeader: false,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.keepAliveMs,
  });
  answerClientErrors(server, log);
  dropUnreadConnections(server, limits, log);
  await listen(server, { host, port, backlog: limits.backlog });
  const bound = readAddress(server);
  const answer = getRequestListener(requireOwnHost(fetch, { bound, host }), {
    errorHandler: (error) => answerOutsideError(error, log),
  });
  // No request can have arrived yet: this is still the turn of the event loop in which the server began to listen.
  server.on("request", (request, response) => void answer(request, response));
  return {
    url: toUrl(bound),
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        // Long polls and event streams would keep the server open for minutes; their callers come back.
        server.closeAllConnections();
      }),
  };
}

function listen(
  server: Server,
  options: { host: string; port: number; backlog: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Answers for what failed before or beside the handler, such as a request without a usable `Host`. */
function answerOutsideError(error: unknown, log: Logger | undefined): Response {
  const refId = randomUUID();
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

function readAddress(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return address;
}

function toUrl({ family, address, port }: AddressInfo): string {
  const host = family === "IPv6" ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
