import type { ServerResponse } from "node:http";
import {
  type AuthInfo,
  type CreateMcpHandlerOptions,
  type McpServerFactory,
  PROTOCOL_VERSION_META_KEY,
  WebStandardStreamableHTTPServerTransport,
  createMcpHandler,
  isLegacyRequest,
} from "@modelcontextprotocol/server";
import { HttpError } from "./http-error.ts";
import { streamIfSlow } from "./stream-if-slow.ts";

/** Answers MCP messages over HTTP. */
export interface McpEndpoint {
  /**
   * Serves one MCP request. `body` is its parsed JSON, so that the body is not read twice. A slow answer is streamed
   * directly to `outgoing`; `onFailed` is called if that stream breaks off.
   */
  serve(
    request: Request,
    body: unknown,
    authInfo: AuthInfo,
    { outgoing, onFailed }: { outgoing: ServerResponse; onFailed: (error: unknown) => void },
  ): Promise<Response>;
  close(): Promise<void>;
}

/** Wraps the serving of a request of 2026-07-28: an event bus learns from it which request opens a stream. */
export type WhileServing = (
  request: { body: unknown; authInfo: AuthInfo },
  serve: () => Promise<Response>,
) => Promise<Response>;

const alone: WhileServing = (_request, serve) => serve();

/**
 * MCP in both eras, a server of its own for each request. An answer that comes soon is JSON, which costs half of what a
 * stream does; one that brings progress, or is slow, is a stream.
 */
export function createMcpEndpoint(
  factory: McpServerFactory,
  options: { keepAliveMs: number; streamAfterMs: number; whileServing?: WhileServing } & Pick<
    CreateMcpHandlerOptions,
    "bus" | "onerror"
  >,
): McpEndpoint {
  const { keepAliveMs, streamAfterMs, whileServing = alone, ...others } = options;
  const handler = createMcpHandler(factory, { ...others, keepAliveMs });

  return {
    async serve(request, body, authInfo, { outgoing, onFailed }) {
      const accepted = acceptedTypes(request.headers.get("accept"));
      // The SDK serves only clients that name both.
      request.headers.set("accept", `${JSON_TYPE}, ${STREAM_TYPE}`);
      const isPlain =
        accepted !== "stream" &&
        (isPlainRequest(body) || accepted === "json") &&
        (await isLegacyRequest(request, body));
      const plain = isPlain ? await answerLegacy(factory, request, body, authInfo, outgoing) : null;
      const answer =
        plain !== null
          ? plain.answer
          : whileServing({ body, authInfo }, () =>
              handler.fetch(request, { authInfo, parsedBody: body }),
            );
      if (accepted === "json") return asJson(await answer);
      return streamIfSlow(accepted === "stream" ? answer.then(asStream) : answer, outgoing, {
        afterMs: streamAfterMs,
        everyMs: keepAliveMs,
        onFailed,
      });
    },
    close: () => handler.close(),
  };
}

const JSON_TYPE = "application/json";
const STREAM_TYPE = "text/event-stream";

/** Which of JSON and event streams the client accepts. Both without an `Accept` header, or with one that accepts any type. */
function acceptedTypes(accept: string | null): "json" | "stream" | "both" {
  const parts = (accept || "*/*").split(",");
  const types = new Set(parts.map((part) => part.split(";")[0]?.trim().toLowerCase()));
  const takes = (type: string) =>
    ["*/*", `${type.split("/")[0]}/*`, type].some((pattern) => types.has(pattern));
  if (takes(JSON_TYPE) && takes(STREAM_TYPE)) return "both";
  if (takes(JSON_TYPE)) return "json";
  if (takes(STREAM_TYPE)) return "stream";
  throw new HttpError(406, `Answers are ${JSON_TYPE} or ${STREAM_TYPE}: name both in Accept.`);
}

/** Returns only the last message of a stream: one JSON document cannot contain the notifications before it. */
async function asJson(response: Response): Promise<Response> {
  if (response.headers.get("content-type") !== STREAM_TYPE) return response;
  const frames = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  const body = frames.at(-1)?.slice("data: ".length) ?? "";
  return new Response(body, { headers: { "content-type": JSON_TYPE } });
}

async function asStream(response: Response): Promise<Response> {
  if (response.status !== 200 || response.headers.get("content-type") === STREAM_TYPE)
    return response;
  const text = `event: message\ndata: ${await response.text()}\n\n`;
  return new Response(text, { headers: { "content-type": STREAM_TYPE } });
}

/**
 * Whether this is a single request that gets nothing but its answer, because it has no progress token; and not one of
 * revision 2026-07-28, which is served elsewhere.
 */
function isPlainRequest(body: unknown): boolean {
  if (!isObject(body) || !("method" in body) || !("id" in body)) return false;
  if (!("params" in body) || !isObject(body.params) || !("_meta" in body.params)) return true;
  const { _meta: meta } = body.params;
  return !isObject(meta) || !("progressToken" in meta || PROTOCOL_VERSION_META_KEY in meta);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * Answers requests of the 2025 revisions with JSON, because the SDK's own handler always streams. Null for a server
 * with logging: its log messages come before the answer and need a stream.
 */
async function answerLegacy(
  factory: McpServerFactory,
  request: Request,
  body: unknown,
  authInfo: AuthInfo,
  outgoing: ServerResponse,
): Promise<{ answer: Promise<Response> } | null> {
  const product = await factory({ era: "legacy", authInfo, requestInfo: request });
  const server = "server" in product ? product.server : product;
  if (server.getCapabilities().logging !== undefined) return null;
  return { answer: answerJson(product, request, body, authInfo, outgoing) };
}

async function answerJson(
  server: Awaited<ReturnType<McpServerFactory>>,
  request: Request,
  body: unknown,
  authInfo: AuthInfo,
  outgoing: ServerResponse,
): Promise<Response> {
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  return new Promise<Response>((resolve, reject) => {
    function leave(): void {
      // No client reads this answer. Closing the server ends a call that still waits.
      resolve(new Response(null, { status: 499 }));
      server.close().catch(reject);
    }
    if (outgoing.destroyed) {
      leave();
      return;
    }
    // Not `request.signal`, which is only created on first access and takes a kilobyte.
    outgoing.once("close", leave);
    transport
      .handleRequest(request, { authInfo, parsedBody: body })
      .then(resolve, reject)
      .finally(() => outgoing.off("close", leave));
  });
}
