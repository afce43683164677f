import { join } from "node:path";
import { StreamableHTTPClientTransport as V2Transport } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Logger } from "pino";
import { systemClock } from "../../src/runtime/clock.ts";
import { openBackends } from "../../src/commands/wiring/open-backend.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { requiredScopes } from "../../src/mcp/catalog.ts";
import { type TaskRunServerDeps, createServerFactory } from "../../src/mcp/server.ts";
import { hashKey } from "../../src/http-server/hashed-keys.ts";
import type { AccessOptions } from "../../src/transports/http/access-control.ts";
import type { WebhookRoute } from "../../src/transports/http/handle-request.ts";
import type { HttpLimits } from "../../src/transports/http/limits.ts";
import type { AuthenticatedPrincipal } from "../../src/transports/http/principal.ts";
import { type McpHttpServer, serveMcpHttp } from "../../src/transports/http/serve-http.ts";
import { createStaticTokens } from "../../src/transports/http/static-tokens.ts";
import { listen } from "../engine/raw-http.ts";
import { silentLog, temporaryFolder } from "../engine/start-test-engine.ts";
import { type ClientKind, type TestClient, connectClient } from "../mcp/connect.ts";
import { onFinished } from "../on-finished.ts";

export const SCOPES = ["runs:read", "runs:write"];

/** The tokens of everybody who may call. */
export const TOKENS = {
  alice: "alice-token-0123456789",
  bob: "bob-token-0123456789",
  reader: "reader-token-0123456789",
} as const;

const principalOf = (
  id: string,
  changes: Partial<AuthenticatedPrincipal> = {},
): AuthenticatedPrincipal => ({
  id,
  scopes: id === "reader" ? ["runs:read"] : SCOPES,
  requestsPerMinute: 1_000_000,
  budgetUsdPerDay: undefined,
  ...changes,
});

export function tokensOf(changes: Partial<AuthenticatedPrincipal> = {}) {
  return createStaticTokens(
    Object.entries(TOKENS).map(([id, token]) => ({
      keyHash: hashKey(token),
      owner: principalOf(id, changes),
    })),
  );
}

export interface HttpOptions {
  access?: Partial<AccessOptions>;
  limits?: Partial<HttpLimits>;
  deps?: Partial<TaskRunServerDeps>;
  /** Where the ledger is; a new folder by default. */
  stateDir?: string;
  webhook?: WebhookRoute;
  /** Another Task API than the engine. */
  baseUrl?: string;
  log?: Logger;
  elapsedMs?: () => number;
}

const urls = new WeakMap<Engine, string>();

/** Our server over HTTP, in front of the engine on a port of its own: both as they are in production. */
export async function startHttp(
  engine: Engine,
  options: HttpOptions = {},
): Promise<McpHttpServer & { port: number; draining: AbortController }> {
  const {
    access,
    limits = {},
    deps = {},
    log = silentLog,
    elapsedMs = () => performance.now(),
  } = options;
  // A ledger belongs to the backend's URL, which must outlive a restart of our server.
  const baseUrl = options.baseUrl ?? urls.get(engine) ?? (await listen(engine)).url;
  urls.set(engine, baseUrl);
  const stateDir = options.stateDir ?? (await temporaryFolder());
  const backends = await openBackends(
    { kind: "custom", baseUrl, apiKey: undefined, betas: [], inputsPerMinute: 1_000_000 },
    { pricesFile: undefined, ledgerPath: join(stateDir, "ledger.sqlite") },
    { version: "0.0.0-test", log },
  );
  const draining = new AbortController();
  const server = await serveMcpHttp({
    factory: createServerFactory({
      backend: async (caller) => backends.of(caller),
      version: "0.0.0-test",
      log,
      clock: systemClock,
      shutdownSignal: draining.signal,
      ...deps,
    }),
    host: "127.0.0.1",
    port: 0,
    access: {
      allowedHosts: [],
      allowedOrigins: [],
      authenticators: [tokensOf()],
      oauth: undefined,
      scopes: SCOPES,
      requiredScopes,
      allowKeyHeader: false,
      ...access,
    },
    ...(options.webhook && { webhook: options.webhook }),
    reachBackend: backends.reach,
    limits,
    log,
    elapsedMs,
  });
  onFinished(async () => {
    await server.close(0);
    await backends.close();
  });
  return { ...server, port: Number(new URL(server.url).port), draining };
}

/** A client with a token. */
export async function connectHttp(
  kind: ClientKind,
  url: string,
  token: string,
): Promise<TestClient> {
  const address = new URL(url);
  const options = { requestInit: { headers: { authorization: `Bearer ${token}` } } };
  return connectClient(kind, {
    v1: () => new V1Transport(address, options),
    v2: () => new V2Transport(address, options),
  });
}

/** What every MCP client sends with a POST. */
export const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

/** A tool call without a client: the answer as it is on the wire. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { ...HEADERS, authorization: `Bearer ${TOKENS.alice}`, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

export const toolCall = (name: string, args: Record<string, unknown>, id = 1) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

/** The same for 2026-07-28, with the headers that must go with it. */
export function modernCall(name: string, args: Record<string, unknown>) {
  const call = toolCall(name, args);
  return {
    body: {
      ...call,
      params: {
        ...call.params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
  };
}
