import type { Logger } from "pino";
import { systemClock } from "../../runtime/clock.ts";
import type { Proxies } from "../../client/http/proxies.ts";
import type { BackendConfig, BridgeConfig } from "../../config.ts";
import { type HttpConfig, isLoopback } from "../../settings/http-settings.ts";
import { untilAborted } from "../../runtime/on-abort.ts";
import { type Principal, READ_SCOPE, WRITE_SCOPE } from "../../runtime/request-facts.ts";
import {
  createEventBus,
  createRunUpdatePublisher,
  onRunWebhook,
} from "../../mcp/protocol/subscriptions.ts";
import { requiredScopes } from "../../mcp/catalog.ts";
import { createServerFactory } from "../../mcp/server.ts";
import { type HashedKey, hashKey } from "../../http-server/hashed-keys.ts";
import type { AccessOptions } from "../../transports/http/access-control.ts";
import type { WebhookRoute } from "../../transports/http/handle-request.ts";
import { REQUESTS_PER_MINUTE } from "../../transports/http/limits.ts";
import type { Authenticate, AuthenticatedPrincipal } from "../../transports/http/principal.ts";
import { serveMcpHttp } from "../../transports/http/serve-http.ts";
import { createStaticTokens } from "../../transports/http/static-tokens.ts";
import type { TelemetryConfig } from "../../settings/telemetry-settings.ts";
import { createWebhookReceiver } from "../../transports/webhook-receiver.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import type { TokenFileWatcher } from "./token-file-watcher.ts";
import { type OpenBackends, openBackends } from "../wiring/open-backend.ts";
import { openTelemetry } from "../wiring/open-telemetry.ts";
import { releaseMemoryAtRest } from "./release-memory.ts";

const SCOPES = [READ_SCOPE, WRITE_SCOPE];

/** The principal of the token in the environment. */
const ONLY_PRINCIPAL = "default";

/** `task-run-mcp http`: serves MCP over HTTP until `signal` aborts. The first line on stdout is the URL. */
export async function httpCommand({
  backend: config,
  bridge,
  http,
  telemetry: telemetryConfig,
  proxies,
  version,
  log,
  signal,
  onHangUp,
  stdout,
}: {
  backend: BackendConfig;
  bridge: BridgeConfig;
  http: HttpConfig;
  telemetry: TelemetryConfig | undefined;
  proxies: Proxies;
  version: string;
  log: Logger;
  signal: AbortSignal;
  /** Registers a listener for SIGHUP, which asks to read files again. */
  onHangUp: (listener: () => void) => void;
  stdout: NodeJS.WritableStream;
}): Promise<ExitCode> {
  checkExposure(http, config);
  const { access, tokens } = await openAccess(http, { proxies, log });
  const shutdown = new AbortController();
  /** The time by which open requests must have ended. */
  let endMs = 0;
  const telemetry = openTelemetry(telemetryConfig, { version, log });
  const backends = await openBackends(config, bridge, { version, log, telemetry });
  try {
    const backend = async (principal: Principal) => backends.of(principal);
    const publisher = createRunUpdatePublisher({ backend, clock: systemClock, log });
    const bus = createEventBus(publisher);
    const factory = createServerFactory({
      ...bridge,
      backend,
      publisher,
      webhookUrl: config.kind === "embedded" ? undefined : webhookUrlOf(http),
      version,
      log,
      clock: systemClock,
      shutdownSignal: shutdown.signal,
      traceRequest: telemetry?.traceRequest,
    });
    const { host, port } = http;
    const webhook = receiveWebhooks(http, backends, { log, signal });
    const server = await serveMcpHttp({
      factory,
      host,
      port,
      access,
      bus,
      whileServing: bus.whileServing,
      reachBackend: backends.reach,
      ...(webhook && { webhook }),
      log,
      elapsedMs: () => performance.now(),
    });
    stdout.write(`${server.url}\n`);
    log.info({ url: server.url, backend: config.kind }, "serving MCP over HTTP");
    if (tokens !== undefined) onHangUp(() => void tokens.reload());
    const stopReleasing = releaseMemoryAtRest();
    await untilAborted(signal);
    stopReleasing();
    log.info("shutting down");
    // Stop listening first: clients that are asked to retry must reach another process.
    server.stopListening();
    shutdown.abort();
    endMs = performance.now() + http.drainSeconds * 1_000;
    await server.close(http.drainSeconds * 1_000);
  } finally {
    tokens?.stop();
    await backends.close();
    await telemetry?.close(Math.max(endMs - performance.now(), 0));
  }
  return ExitCode.done;
}

const WEBHOOK_PATH = "/webhooks/task-run";

/** The URL at which the backend reports finished runs. */
function webhookUrlOf({ publicUrl }: HttpConfig): string | undefined {
  if (publicUrl === undefined) return undefined;
  const url = new URL(publicUrl);
  // A reverse proxy may add a path prefix.
  url.pathname = url.pathname.replace(/\/$/, "") + WEBHOOK_PATH;
  return url.href;
}

/** A webhook of the backend updates the ledger and ends the calls that wait for its run. */
function receiveWebhooks(
  { publicUrl, webhookSecrets: secrets }: HttpConfig,
  backends: OpenBackends,
  { log, signal }: { log: Logger; signal: AbortSignal },
): WebhookRoute | undefined {
  if (publicUrl === undefined) return undefined;
  const receiver = createWebhookReceiver({ secrets, now: Date.now });
  return {
    path: WEBHOOK_PATH,
    receive(headers, body, requestId) {
      const requestLog = log.child({ request_id: requestId });
      const received = receiver.receive(headers, body);
      switch (received.kind) {
        case "refused":
          requestLog.info({ reason: received.reason }, "a webhook was rejected");
          return received.httpStatus;
        case "ignored":
          return 204;
        case "run_update":
          for (const backend of backends.inUse()) {
            // Not awaited: the sender has a short timeout, and a failed read changes nothing for it.
            onRunWebhook(received.runId, { backend, clock: systemClock, signal }).catch(
              (error: unknown) => {
                const facts = { err: error, run_id: received.runId };
                requestLog.warn(facts, "a webhook was not recorded");
              },
            );
          }
          return 204;
      }
    },
  };
}

/** A server that other machines can reach needs allowed hosts and tokens. Throws {@link UsageError} with what to add. */
function checkExposure(http: HttpConfig, backend: BackendConfig): void {
  const { host, allowedHosts, tokensFile, token, oauth, allowKeyHeader } = http;
  if (!isLoopback(host)) {
    if (tokensFile === undefined && token === undefined && oauth === undefined) {
      throw new UsageError(
        `--host ${host} is reachable from other machines: add --tokens, TASK_RUN_MCP_HTTP_TOKEN, or --oauth-issuer with --oauth-audience; or listen on 127.0.0.1.`,
      );
    }
    if (allowedHosts.length === 0) {
      throw new UsageError(
        `--host ${host} is reachable from other machines: add --allowed-hosts with the names by which clients call this server, such as mcp.example.com.`,
      );
    }
  }
  if (http.publicUrl !== undefined && http.webhookSecrets.length === 0) {
    throw new UsageError(
      "--public-url needs the account's webhook secret, or a forged report would be believed: set TASK_RUN_MCP_WEBHOOK_SECRETS.",
    );
  }
  if (oauth !== undefined) {
    const issuer = new URL(oauth.issuer);
    if (issuer.protocol !== "https:" && !isLoopback(issuer.hostname)) {
      throw new UsageError(
        "--oauth-issuer must be an https URL: its keys decide which tokens are valid.",
      );
    }
  }
  if (allowKeyHeader && backend.kind === "embedded") {
    throw new UsageError(
      "--allow-key-header is for a backend with keys: set PARALLEL_BASE_URL or PARALLEL_API_KEY, or leave it out.",
    );
  }
  if (token !== undefined && backend.kind !== "embedded" && token === backend.apiKey) {
    throw new UsageError(
      "TASK_RUN_MCP_HTTP_TOKEN is the backend's key, and every caller of this server would have it. Use another token.",
    );
  }
}

async function openAccess(
  http: HttpConfig,
  { proxies, log }: { proxies: Proxies; log: Logger },
): Promise<{ access: AccessOptions; tokens: TokenFileWatcher | undefined }> {
  const { allowedHosts, allowedOrigins, tokensFile, token, oauth, allowKeyHeader, callerLimits } =
    http;
  const limits = {
    requestsPerMinute: callerLimits.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    budgetUsdPerDay: callerLimits.budgetUsdPerDay,
  };
  const only: HashedKey<AuthenticatedPrincipal>[] = [];
  if (token !== undefined) {
    const owner = { id: ONLY_PRINCIPAL, scopes: SCOPES, ...limits };
    only.push({ keyHash: hashKey(token), owner });
  }
  const authenticators: Authenticate[] = [];
  let tokens: TokenFileWatcher | undefined;
  if (tokensFile !== undefined) {
    const { watchTokenFile } = await import("./token-file-watcher.ts");
    tokens = await watchTokenFile(tokensFile, { others: only, limits, log });
    authenticators.push(tokens.authenticate);
  } else if (only.length > 0) {
    authenticators.push(createStaticTokens(only));
  }
  if (oauth !== undefined) {
    const [{ createOAuth }, { createWebFetch }] = await Promise.all([
      import("../../transports/http/oauth.ts"),
      import("../../client/http/web-fetch.ts"),
    ]);
    const fetch = createWebFetch(proxies);
    authenticators.push(createOAuth({ ...oauth, limits, now: Date.now, fetch }));
  }
  const access = {
    allowedHosts,
    allowedOrigins,
    authenticators,
    oauth: oauth && { resource: oauth.audience, issuer: oauth.issuer },
    scopes: SCOPES,
    requiredScopes,
    allowKeyHeader,
  };
  return { access, tokens };
}
