import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { systemClock } from "../client/clock.ts";
import type { BackendConfig, BridgeConfig, HttpConfig } from "../config.ts";
import { READ_SCOPE, WRITE_SCOPE } from "../mcp/caller.ts";
import { requiredScopes } from "../mcp/required-scopes.ts";
import { createTaskRunServer } from "../mcp/server.ts";
import type { AccessOptions } from "../transports/http/gate.ts";
import { REQUESTS_PER_MINUTE } from "../transports/http/limits.ts";
import type { Authenticate } from "../transports/http/principal.ts";
import { serveHttp } from "../transports/http/serve-http.ts";
import { type StaticToken, createStaticTokens } from "../transports/http/static-tokens.ts";
import { ExitCode, UsageError } from "./exit-code.ts";
import { isLoopback } from "./loopback.ts";
import { openBackends } from "./open-backend.ts";
import { releaseMemoryAtRest } from "./release-memory.ts";

const SCOPES = [READ_SCOPE, WRITE_SCOPE];

/** Who the holder of the one token from the environment is. */
const ONLY_PRINCIPAL = "default";

/** `task-run-mcp http`: serves MCP over HTTP until `signal` aborts. The first line on stdout is the URL. */
export async function httpCommand({
  backend: config,
  bridge,
  http,
  version,
  log,
  signal,
  stdout,
}: {
  backend: BackendConfig;
  bridge: BridgeConfig;
  http: HttpConfig;
  version: string;
  log: Logger;
  signal: AbortSignal;
  stdout: NodeJS.WritableStream;
}): Promise<ExitCode> {
  refuseUnsafe(http, config);
  const access = await openAccess(http);
  const draining = new AbortController();
  const backends = await openBackends(config, bridge, { version, log });
  try {
    const factory = createTaskRunServer({
      ...bridge,
      backend: async (caller) => backends.of(caller),
      version,
      log,
      clock: systemClock,
      draining: draining.signal,
    });
    const { host, port } = http;
    const server = await serveHttp({ factory, host, port, access, log, now: Date.now });
    stdout.write(`${server.url}\n`);
    log.info({ url: server.url, backend: config.kind }, "serving MCP over HTTP");
    const stopReleasing = releaseMemoryAtRest();
    await aborted(signal);
    stopReleasing();
    log.info("draining");
    // First nobody new comes in; then those who wait are answered, and told to call again: another process may be there.
    server.stopListening();
    draining.abort();
    await server.close(http.drainSeconds * 1_000);
  } finally {
    await backends.close();
  }
  return ExitCode.done;
}

/** What others can reach needs names and tokens. Throws {@link UsageError} with what to add. */
function refuseUnsafe(http: HttpConfig, backend: BackendConfig): void {
  const { host, allowedHosts, tokensFile, token, oauth, allowKeyHeader } = http;
  if (!isLoopback(host)) {
    if (tokensFile === undefined && token === undefined && oauth === undefined) {
      throw new UsageError(
        `--host ${host} can be reached by others: add --tokens, TASK_RUN_MCP_HTTP_TOKEN, or --oauth-issuer with --oauth-audience; or listen on 127.0.0.1.`,
      );
    }
    if (allowedHosts.length === 0) {
      throw new UsageError(
        `--host ${host} can be reached by others: add --allowed-hosts with the names by which they call this server, such as mcp.example.com.`,
      );
    }
  }
  if (oauth !== undefined) {
    const issuer = new URL(oauth.issuer);
    if (issuer.protocol !== "https:" && !isLoopback(issuer.hostname)) {
      throw new UsageError("--oauth-issuer must be an https URL: its keys decide who comes in.");
    }
  }
  if (allowKeyHeader && backend.kind === "embedded") {
    throw new UsageError(
      "--allow-key-header is for a backend with keys: set PARALLEL_BASE_URL or PARALLEL_API_KEY, or leave it out.",
    );
  }
  if (token !== undefined && backend.kind !== "embedded" && token === backend.apiKey) {
    throw new UsageError(
      "TASK_RUN_MCP_HTTP_TOKEN is the backend's key: whoever calls this server would hold it. Use another token.",
    );
  }
}

async function openAccess(http: HttpConfig): Promise<AccessOptions> {
  const { allowedHosts, tokensFile, token, oauth, allowKeyHeader, callerLimits } = http;
  const limits = {
    requestsPerMinute: callerLimits.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    budgetUsdPerDay: callerLimits.budgetUsdPerDay,
  };
  const tokens: StaticToken[] = [];
  if (token !== undefined) {
    const principal = { id: ONLY_PRINCIPAL, scopes: SCOPES, ...limits };
    tokens.push({ sha256: sha256(token), principal });
  }
  if (tokensFile !== undefined) {
    const { readTokens } = await import("./read-tokens.ts");
    tokens.push(...(await readTokens(tokensFile, limits)));
  }
  const authenticators: Authenticate[] = [];
  if (tokens.length > 0) authenticators.push(createStaticTokens(tokens));
  if (oauth !== undefined) {
    const { createOAuth } = await import("../transports/http/oauth.ts");
    authenticators.push(createOAuth({ ...oauth, limits, now: Date.now }));
  }
  return {
    allowedHosts,
    authenticators,
    oauth: oauth && { resource: oauth.audience, issuer: oauth.issuer },
    scopes: SCOPES,
    requiredScopes,
    allowKeyHeader,
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
