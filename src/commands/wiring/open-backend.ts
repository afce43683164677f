import type { Logger } from "pino";
import type { Fetch } from "../../client/http/fetch.ts";
import { createFollowers, createGroupFollowers } from "../../client/follow/followers.ts";
import { createInProcessFetch } from "../../client/http/in-process-fetch.ts";
import { type TaskApiClientOptions, createClient } from "../../client/create-task-api-client.ts";
import type { TaskApiClient } from "../../client/task-api-client.ts";
import type { BackendConfig, BridgeConfig, EngineConfig } from "../../config.ts";
import { DatabaseUnusable } from "../../database/open-database.ts";
import type { Engine } from "../../engine/engine.ts";
import { openLedgerStore } from "../../ledger/open-ledger-store.ts";
import { fingerprintKey } from "../../ledger/scope.ts";
import { type Backend, BackendUnavailable } from "../../mcp/runs/backend.ts";
import { FILES_REPLACED, filesWereReplaced } from "../../mcp/replaced-files.ts";
import { scopeToPrincipal } from "../../client/scoped-client.ts";
import { type PriceList, createPriceList } from "../../mcp/runs/price-list.ts";
import type { Principal } from "../../runtime/request-facts.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import { ASK_ONCE, reachBackend } from "./reach-backend.ts";
import { readPrices } from "./check-settings.ts";
import { errorMessage } from "../../text/error-message.ts";
import { openEngine } from "./open-engine.ts";
import { LruCache } from "../../runtime/lru-cache.ts";

/** A backend that is open, and the way to close it. */
export interface OpenBackend extends Backend {
  close(): Promise<void>;
}

/** A Task API that is open, as each of its callers may use it. */
export interface OpenBackends {
  /** The same backend for the same caller, until it is evicted. Throws `BackendUnavailable`. */
  of(principal: Principal): Backend;
  /** The backends of the remembered callers. */
  inUse(): Iterable<Backend>;
  /** Resolves when the backend answers; throws why it does not. */
  reach(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface OpeningOptions {
  version: string;
  log: Logger;
  telemetry?: Pick<Telemetry, "traceFetch"> | undefined;
  /** False: the built-in engine only answers for the runs there are. */
  performsRuns?: boolean;
}

/** The embedded engine is reached without a port; the name only completes its URLs. */
const EMBEDDED_BASE_URL = "http://embedded";
/** LRU of per-caller state (some 10 KB each). Eviction only costs a shared follower. */
const REMEMBERED_CALLERS = 5_000;
/** LRU of accounts, for callers with keys of their own. Eviction also resets the rate limit of its creates. */
const REMEMBERED_ACCOUNTS = 1_000;

/** {@link openBackends} for the one caller of this process. */
export async function openBackend(
  config: BackendConfig,
  bridge: Pick<BridgeConfig, "pricesFile" | "ledgerPath">,
  options: OpeningOptions,
): Promise<OpenBackend> {
  const backends = await openBackends(config, bridge, options);
  return { ...backends.of({ id: null, apiKey: null }), close: backends.close };
}

/**
 * Opens the Task API that the configuration chose. Engine, connections and the ledger's file are shared by all callers;
 * each principal has its own view of the ledger and its own followers, and reaches only its own runs. Throws
 * `BackendUnavailable` with what to do about it.
 */
export async function openBackends(
  config: BackendConfig,
  bridge: Pick<BridgeConfig, "pricesFile" | "ledgerPath">,
  { version, log, telemetry, performsRuns = true }: OpeningOptions,
): Promise<OpenBackends> {
  const { kind } = config;
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closing.splice(0).toReversed()) await one();
  };
  try {
    const overrides =
      bridge.pricesFile === undefined ? undefined : await readPrices(bridge.pricesFile);
    const ledgers = await openLedgerStore({ path: bridge.ledgerPath, now: Date.now, log });
    closing.push(ledgers.close);
    const connection = await connect(config, { log, performsRuns });
    closing.push(connection.close);
    const { account } = connection;

    const openClient = (
      apiKey: string | undefined,
      options?: Pick<TaskApiClientOptions, "retryPolicy">,
    ) =>
      createClient({
        ...account,
        ...options,
        apiKey,
        fetch: telemetry?.traceFetch(connection.fetch) ?? connection.fetch,
        userAgent: `task-run-mcp/${version}`,
        log,
      });
    const clients = new LruCache<string, TaskApiClient>(REMEMBERED_ACCOUNTS);
    const priceLists = new LruCache<string, PriceList>(REMEMBERED_ACCOUNTS);
    const views = new LruCache<string, Backend>(REMEMBERED_CALLERS);

    const openPrices = (apiKey: string | undefined) =>
      createPriceList({
        kind,
        overrides,
        // The hosted API announces nothing, and the embedded engine is free.
        ...(kind === "custom" && {
          ask: (signal) => openClient(apiKey, { retryPolicy: ASK_ONCE }).listProcessors({ signal }),
        }),
      });

    const openView = ({ id: principal, apiKey: ownKey }: Principal): Backend => {
      const apiKey = ownKey ?? account.apiKey;
      const ledger = ledgers.of({
        backend: kind === "embedded" ? kind : account.baseUrl,
        keyFingerprint: apiKey === undefined ? null : fingerprintKey(apiKey),
        principal,
      });
      const shared = clients.getOrCreate(apiKey ?? "", () => openClient(apiKey));
      const client = principal === null ? shared : scopeToPrincipal(shared, ledger, principal);
      return {
        kind,
        client,
        followers: createFollowers({ client, log }),
        groupFollowers: createGroupFollowers({ client, log }),
        // Each account has its own prices.
        prices: priceLists.getOrCreate(apiKey ?? "", () => openPrices(apiKey)),
        ledger,
        ledgerFallbackReason: connection.volatileReason ?? ledgers.volatileReason,
      };
    };
    return {
      of(principal) {
        try {
          const key = JSON.stringify([principal.id, principal.apiKey]);
          return views.getOrCreate(key, () => openView(principal));
        } catch (error) {
          throw unavailable(error);
        }
      },
      inUse: () => views.values(),
      reach: async (signal) =>
        reachBackend(openClient(account.apiKey, { retryPolicy: ASK_ONCE }), signal),
      close,
    };
  } catch (error) {
    await close();
    throw unavailable(error);
  }
}

function unavailable(error: unknown): BackendUnavailable {
  const message = filesWereReplaced(error) ? FILES_REPLACED : errorMessage(error);
  return new BackendUnavailable(message, { cause: error });
}

interface Connection {
  fetch: Fetch;
  account: Pick<TaskApiClientOptions, "baseUrl" | "apiKey" | "betas" | "inputsPerMinute">;
  /** Why runs end with this process. */
  volatileReason: string | null;
  close: () => Promise<void>;
}

type EngineUse = Required<Pick<OpeningOptions, "log" | "performsRuns">>;

async function connect(config: BackendConfig, use: EngineUse): Promise<Connection> {
  switch (config.kind) {
    case "embedded": {
      const { engine, volatileReason } = await startEngineSomewhere(config.engine, use);
      return {
        fetch: createInProcessFetch((request) => engine.fetch(request)),
        // The embedded engine is free, so creates need no rate limit.
        account: { baseUrl: EMBEDDED_BASE_URL, inputsPerMinute: Number.POSITIVE_INFINITY },
        volatileReason,
        close: () => engine.close(),
      };
    }
    case "hosted":
    case "custom": {
      const { createUndiciFetch } = await import("../../client/http/undici-fetch.ts");
      const { baseUrl, apiKey, betas, inputsPerMinute } = config;
      const account = { baseUrl, apiKey, betas, ...(inputsPerMinute && { inputsPerMinute }) };
      return { ...createUndiciFetch(config.proxies), account, volatileReason: null };
    }
  }
}

/** When the state folder cannot be used, runs are stored in memory and the user gets a warning. */
async function startEngineSomewhere(
  config: EngineConfig,
  use: EngineUse,
): Promise<{ engine: Engine; volatileReason: string | null }> {
  try {
    return { engine: await openEngine(config, use), volatileReason: null };
  } catch (error) {
    if (!(error instanceof DatabaseUnusable)) throw error;
    const engine = await openEngine({ ...config, databasePath: ":memory:" }, use);
    use.log.warn(
      { reason: error.message },
      "runs are kept in memory: the state folder cannot be used",
    );
    return { engine, volatileReason: error.message };
  }
}
