import type { IncomingMessage, ServerResponse } from "node:http";
import { getOAuthProtectedResourceMetadataUrl } from "@modelcontextprotocol/server";
import { type AccessOptions, createAccessControl } from "./access-control.ts";
import type { Cors } from "./cors.ts";
import type { HttpLimits } from "./limits.ts";
import type { HttpMetrics } from "./metrics.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Readiness } from "./readiness.ts";
import { HttpError } from "./http-error.ts";
import type { McpEndpoint } from "./serve-mcp.ts";
import { type InvalidMessage, INVALID_REQUEST, hasBatches, parseMessages } from "../messages.ts";

/** One request and its answer, as the log shows them. */
export interface HttpExchange {
  requestId: string;
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  /** One of ours, not what the client wrote. */
  route: string;
  principal: string | null;
  /** Whether all of it has arrived; `listening`: its answer is a stream without an end. */
  stage: "arriving" | "answering" | "listening";
  /** Call when the answer is complete, or the client has gone. */
  onEnd: (() => void)[];
}

/**
 * The route to which a backend sends webhooks. The signature authenticates a webhook, so host names, origins and tokens
 * are not checked.
 */
export interface WebhookRoute {
  path: string;
  /** The HTTP status to answer with. `body` is what arrived, byte for byte. */
  receive: (headers: Headers, body: Uint8Array, requestId: string) => number | Promise<number>;
}

export interface RequestHandlerOptions {
  mcp: McpEndpoint;
  access: AccessOptions;
  cors: Cors;
  rates: RateLimits;
  metrics: HttpMetrics;
  limits: HttpLimits;
  webhook: WebhookRoute | undefined;
  readiness: () => Promise<Readiness>;
  /** An answer broke off after it had begun. */
  onBrokenAnswer: (error: unknown, exchange: HttpExchange) => void;
}

export type HandleRequest = (request: Request, exchange: HttpExchange) => Promise<Response>;

const MCP_PATH = "/mcp";
const LISTEN = "subscriptions/listen";
const METADATA_PATH = "/.well-known/oauth-protected-resource";

/**
 * Routes a request and holds it to the rules. Throws {@link HttpError}.
 *
 * | path                                     | served by                                                     |
 * |------------------------------------------|---------------------------------------------------------------|
 * | `/mcp`                                   | host and origin check, CORS, then authentication, rate limits, |
 * |                                          | body, scopes, and the MCP endpoint (`serve-mcp.ts`)            |
 * | `/.well-known/oauth-protected-resource…` | the metadata of RFC 9728; only with OAuth                     |
 * | the webhook's path                       | the webhook receiver; only with a public URL                  |
 * | `/healthz` `/readyz` `/metrics`          | operators' probes, without authentication                     |
 *
 * Request ids, logs, counting and the answers to errors belong to `serve-http.ts`.
 */
export function createRequestHandler(options: RequestHandlerOptions): HandleRequest {
  const { mcp, access, cors, rates, metrics, limits, webhook, readiness, onBrokenAnswer } = options;
  const control = createAccessControl(access, cors, metrics);
  const metadata = access.oauth && describeResource(access.oauth, access.scopes);
  const metadataPaths = new Set([METADATA_PATH, METADATA_PATH + MCP_PATH]);
  if (metadata) {
    metadataPaths.add(
      new URL(getOAuthProtectedResourceMetadataUrl(new URL(metadata.resource))).pathname,
    );
  }

  return async (request, exchange) => {
    // Copied addresses often end in a slash.
    const pathname = new URL(request.url).pathname.replace(/(.)\/+$/, "$1");
    if (pathname === MCP_PATH) {
      exchange.route = MCP_PATH;
      return control.checkHost(request) ?? cors.preflight(request) ?? serveMcp(request, exchange);
    }
    if (metadata && metadataPaths.has(pathname)) {
      exchange.route = METADATA_PATH;
      allow(request, "GET");
      // Browser clients read it from their own origin (RFC 9728); there is nothing secret in it.
      return Response.json(metadata, { headers: { "access-control-allow-origin": "*" } });
    }
    if (webhook?.path === pathname) {
      exchange.route = pathname;
      allow(request, "POST");
      const body = await readBody(exchange.incoming, limits.webhookBytes);
      exchange.stage = "answering";
      const status = await webhook.receive(request.headers, body, exchange.requestId);
      return new Response(null, { status });
    }
    return serveOperator(request, pathname, exchange);
  };

  /** Probes and scrapers rarely send tokens or our host name, so these answers contain nothing about principals. */
  async function serveOperator(
    request: Request,
    pathname: string,
    exchange: HttpExchange,
  ): Promise<Response> {
    switch (pathname) {
      case "/healthz":
        exchange.route = pathname;
        allow(request, "GET");
        return Response.json({ status: "ok" });
      case "/readyz": {
        exchange.route = pathname;
        allow(request, "GET");
        const status = await readiness();
        return Response.json({ status }, { status: status === "ready" ? 200 : 503 });
      }
      case "/metrics": {
        exchange.route = pathname;
        allow(request, "GET");
        const { contentType, text } = await metrics.read();
        return new Response(text, { headers: { "content-type": contentType } });
      }
      default:
        throw new HttpError(404, `There is nothing at this path; MCP is at ${MCP_PATH}.`);
    }
  }

  async function serveMcp(request: Request, exchange: HttpExchange): Promise<Response> {
    // Neither era has a stream to open or a session to end here; 2026-07-28 has neither at all.
    allow(request, "POST");
    const principal = await control.identify(request);
    if (principal !== null) {
      exchange.principal = principal.id;
      take(() => rates.take(principal, 1));
      exchange.onEnd.push(take(() => rates.open(principal)));
    }
    const startedMs = performance.now();
    metrics.openCalls.inc();
    exchange.onEnd.push(() => {
      metrics.openCalls.dec();
      metrics.observeCall((performance.now() - startedMs) / 1_000);
    });
    const body = await readMessages(exchange.incoming, limits);
    exchange.stage = methodOf(body) === LISTEN ? "listening" : "answering";
    if (principal !== null && Array.isArray(body)) {
      take(() => rates.take(principal, body.length - 1));
    }
    control.checkScopes(principal, body);
    const { requestId } = exchange;
    const authInfo = control.authInfo(request, principal, { requestId, body });
    return mcp.serve(request, body, authInfo, {
      outgoing: exchange.outgoing,
      onFailed: (error) => onBrokenAnswer(error, exchange),
    });
  }

  function take<Taken>(from: () => Taken): Taken {
    try {
      return from();
    } catch (error) {
      metrics.countRateLimited();
      throw error;
    }
  }
}

/** The method of a body's one message. */
function methodOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "method" in body ? body.method : undefined;
}

function allow(request: Request, method: string): void {
  if (request.method === method) return;
  throw new HttpError(405, `Method not allowed: send ${method}.`, { headers: { allow: method } });
}

/** Source: RFC 9728, section 2. */
function describeResource(
  { resource, issuer }: { resource: string; issuer: string },
  scopes: readonly string[],
) {
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ["header"],
    resource_name: "Task runs",
  };
}

/** The revision of a request that does not say (MCP 2025-06-18: "Protocol Version Header"). */
const REVISION_UNSAID = "2025-03-26";

/** The message of a request, or its batch. Throws a 413, or a 400 with the error of JSON-RPC. */
export async function readMessages(
  incoming: IncomingMessage,
  { bodyBytes, bodyLevels }: { bodyBytes: number; bodyLevels: number },
): Promise<unknown> {
  const text = (await readBody(incoming, bodyBytes)).toString("utf8");
  const read = parseMessages(text, bodyLevels);
  if ("one" in read) {
    if ("invalid" in read.one) throw notServed(read.one.invalid);
    return read.one.message;
  }
  const revision = String(incoming.headers["mcp-protocol-version"] ?? REVISION_UNSAID);
  if (!hasBatches(revision)) {
    const reason = `Invalid request: revision ${revision} has no batches; send each message by itself.`;
    throw notServed({ id: null, code: INVALID_REQUEST, reason });
  }
  return read.batch.map((part) => {
    if ("invalid" in part) throw notServed(part.invalid);
    return part.message;
  });
}

function notServed({ id, code, reason }: InvalidMessage): HttpError {
  return new HttpError(400, reason, { code, id: id ?? null });
}

/** What a client sent, byte for byte. Throws a 413. */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(incoming.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is read and forgotten: closing at once would take the answer, which the client has not read yet.
      if (bytes > limit) reject(tooLarge(limit));
      else chunks.push(chunk);
    });
    incoming.once("end", () => resolve(Buffer.concat(chunks)));
    incoming.once("error", (cause) => {
      reject(new HttpError(400, "The body did not arrive as a whole.", { cause }));
    });
  });
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `The body is larger than ${limit} bytes; send less at a time.`, {
    headers: { connection: "close" },
  });
}
