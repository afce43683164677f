import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestError, getRequestListener } from "@hono/node-server";
import { type McpServerFactory, type ServerEventBus } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { createHttpServer, listen } from "../../http-server/listen.ts";
import { createCors } from "./cors.ts";
import type { AccessOptions } from "./access-control.ts";
import { type HttpExchange, type WebhookRoute, createRequestHandler } from "./handle-request.ts";
import { HTTP_LIMITS, type HttpLimits } from "./limits.ts";
import { type HttpMetrics, createHttpMetrics } from "./metrics.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createReadiness } from "./readiness.ts";
import { HttpError, toJsonRpcError, toResponse } from "./http-error.ts";
import { type WhileServing, createMcpEndpoint } from "./serve-mcp.ts";
import { REQUEST_ID_HEADER, newRequestId, requestIdOf } from "../../http-server/request-id.ts";

export interface McpHttpServerOptions {
  factory: McpServerFactory;
  host: string;
  /** 0 takes a free one. */
  port: number;
  access: AccessOptions;
  webhook?: WebhookRoute;
  /** The source of the updates for `subscriptions/listen`. */
  bus?: ServerEventBus;
  whileServing?: WhileServing;
  /** Resolves when the backend answers, throws why it does not; without it `/readyz` takes it for granted. */
  reachBackend?: (signal: AbortSignal) => Promise<void>;
  /** Overrides of {@link HTTP_LIMITS}. */
  limits?: Partial<HttpLimits>;
  log: Logger;
  /** Milliseconds on a monotonic clock, which setting the time does not change. */
  elapsedMs: () => number;
}

export interface McpHttpServer {
  /** The URL of the MCP endpoint, with the actual port. */
  url: string;
  /** Stops accepting connections. Calls under way continue. */
  stopListening(): void;
  /**
   * Resolves when every call has been answered, at the latest after `ms`. Calls that are still open then are cut,
   * and so are idle connections and subscriptions.
   */
  close(ms: number): Promise<void>;
}

/**
 * Serves MCP over Streamable HTTP at `/mcp`, both protocol eras, without sessions. Rejects with the system's error when
 * it cannot listen.
 */
export async function serveMcpHttp(options: McpHttpServerOptions): Promise<McpHttpServer> {
  const { factory, log, elapsedMs } = options;
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const server = createHttpServer(limits, {
    answerClientError: ({ status, message, reason }) => {
      const requestId = newRequestId();
      log.debug({ request_id: requestId, status, reason }, "refused");
      return { requestId, body: toJsonRpcError(new HttpError(status, `${message}.`)) };
    },
    log,
  });
  server.maxConnections = limits.connections;
  const sockets = new Set<object>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const calls = watchCalls();
  const metrics = createHttpMetrics(() => sockets.size);
  const mcp = createMcpEndpoint(factory, {
    keepAliveMs: limits.keepAliveMs,
    streamAfterMs: limits.streamAfterMs,
    ...(options.bus && { bus: options.bus }),
    ...(options.whileServing && { whileServing: options.whileServing }),
    onerror: ({ message }) => log.debug({ reason: message }, "mcp"),
  });
  const cors = createCors(options.access.allowedOrigins);
  let isWelcoming = true;
  const handle = createRequestHandler({
    mcp,
    access: options.access,
    cors,
    rates: createRateLimits({ elapsedMs, openCalls: limits.openCallsPerPrincipal }),
    metrics,
    limits,
    webhook: options.webhook,
    readiness: createReadiness({
      reachBackend: options.reachBackend,
      isDraining: () => !isWelcoming,
      limits,
      log,
      elapsedMs,
    }),
    onBrokenAnswer: (error, { requestId }) =>
      log.error({ request_id: requestId, err: error }, "an answer broke off"),
  });
  const exchanges = new WeakMap<object, HttpExchange>();
  const listener = getRequestListener(
    async (request, { outgoing }) => {
      const exchange = exchanges.get(outgoing);
      if (exchange === undefined) throw new Error("Not a request of ours");
      try {
        return await handle(request, exchange);
      } catch (error) {
        return answerError(error, exchange, log);
      }
    },
    {
      // The SDK answers with the global `Response`. Hono's replacement keeps its text instead of turning it into a
      // stream that is then read again; that saves an eighth of a call.
      overrideGlobalObjects: true,
      errorHandler: (error) =>
        error instanceof RequestError
          ? toResponse(new HttpError(400, `Bad request: ${error.message}`))
          : undefined,
    },
  );

  const { host, port } = options;
  const { url } = await listen(server, { host, port, backlog: limits.backlog });
  server.on("request", (incoming, outgoing) => {
    const exchange = beginExchange(incoming, outgoing, { log, metrics });
    exchanges.set(outgoing, exchange);
    calls.add(exchange);
    cors.open(incoming.headers.origin, outgoing);
    if (!isWelcoming) outgoing.setHeader("connection", "close");
    exchange.onEnd.push(() => {
      if (!isWelcoming) setImmediate(() => server.closeIdleConnections());
    });
    void listener(incoming, outgoing);
  });

  function stopListening(): void {
    isWelcoming = false;
    server.close();
  }

  return {
    url: `${url}/mcp`,
    stopListening,
    async close(ms) {
      stopListening();
      await calls.ended(ms);
      // Cut, not ended: a client must not take what it has got so far for all there is.
      server.closeAllConnections();
      await mcp.close();
    },
  };
}

/** Gives the request an id, and sees to it that its end is counted and logged. */
function beginExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { log, metrics }: { log: Logger; metrics: HttpMetrics },
): HttpExchange {
  const requestId = requestIdOf(incoming.headers[REQUEST_ID_HEADER]);
  const startedMs = performance.now();
  const exchange: HttpExchange = {
    requestId,
    incoming,
    outgoing,
    route: "other",
    principal: null,
    stage: "arriving",
    onEnd: [],
  };
  outgoing.setHeader(REQUEST_ID_HEADER, requestId);
  outgoing.setHeader("x-content-type-options", "nosniff");
  outgoing.once("close", () => {
    for (const end of exchange.onEnd) end();
    const status = outgoing.statusCode;
    metrics.countRequest(exchange.route, incoming.method ?? "", status);
    const level = status === 401 || status === 403 || status === 429 ? "info" : "debug";
    log[status >= 500 ? "warn" : level](
      {
        request_id: requestId,
        method: incoming.method,
        route: exchange.route,
        status,
        ms: Math.round(performance.now() - startedMs),
        ...(exchange.principal !== null && { principal: exchange.principal }),
        ...(!outgoing.writableFinished && { cut: true }),
      },
      "request",
    );
  });
  return exchange;
}

function answerError(error: unknown, { requestId }: HttpExchange, log: Logger): Response {
  if (error instanceof HttpError) {
    if (error.status >= 500) log.warn({ request_id: requestId, err: error }, "refused");
    return toResponse(error);
  }
  log.error({ request_id: requestId, err: error }, "request failed");
  return toResponse(
    new HttpError(500, `Internal error; the server's log has the cause (request ${requestId}).`),
  );
}

/** How long to wait, after a stop, for requests that are already on their way. */
const ARRIVAL_MS = 250;

/** The exchanges that a client waits for. */
function watchCalls() {
  const open = new Set<HttpExchange>();
  let checkEnd = () => {};
  return {
    add(exchange: HttpExchange) {
      open.add(exchange);
      exchange.onEnd.push(() => {
        open.delete(exchange);
        checkEnd();
      });
    },
    /** Resolves when every call has been answered, at the latest after `ms`. */
    ended: (ms: number) =>
      new Promise<void>((resolve) => {
        let isWaitingForArrivals = true;
        const timers = [
          setTimeout(end, ms),
          setTimeout(() => {
            isWaitingForArrivals = false;
            checkEnd();
          }, ARRIVAL_MS),
        ];
        function end(): void {
          for (const timer of timers) clearTimeout(timer);
          checkEnd = () => {};
          resolve();
        }
        checkEnd = () => {
          const stages = new Set([...open].map(({ stage }) => stage));
          if (!stages.has("answering") && !(isWaitingForArrivals && stages.has("arriving"))) end();
        };
        checkEnd();
      }),
  };
}
