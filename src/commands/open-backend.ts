import type { Logger } from "pino";
import type { Fetch } from "../client/fetch.ts";
import { createFollowers } from "../client/follower.ts";
import { createGroupFollowers } from "../client/group-follower.ts";
import { createInProcessFetch } from "../client/in-process-fetch.ts";
import {
  type TaskApiClientOptions,
  createTaskApiClient,
} from "../client/create-task-api-client.ts";
import type { BackendConfig, BridgeConfig, EngineConfig } from "../config.ts";
import { DatabaseUnusable } from "../database/open-database.ts";
import type { Engine } from "../engine/engine.ts";
import { openLedgerStore } from "../ledger/open-ledger-store.ts";
import { fingerprintKey } from "../ledger/scope.ts";
import { type Backend, BackendUnavailable } from "../mcp/backend.ts";
import { createPriceList } from "../mcp/price-list.ts";
import { readPrices } from "./read-prices.ts";
import { startEngine } from "./start-engine.ts";

/** A backend that is open, and the way to close it. */
export interface OpenBackend extends Backend {
  close(): Promise<void>;
}

/** The embedded engine is reached without a port; the name only completes its URLs. */
const EMBEDDED_BASE_URL = "http://embedded";

/** Opens the Task API that the configuration chose. Throws `BackendUnavailable` with what to do about it. */
export async function openBackend(
  config: BackendConfig,
  bridge: Pick<BridgeConfig, "pricesFile" | "ledgerPath">,
  { version, log }: { version: string; log: Logger },
): Promise<OpenBackend> {
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
    const connection = await connect(config, log);
    closing.push(connection.close);
    const client = createTaskApiClient({
      ...connection.account,
      fetch: connection.fetch,
      userAgent: `task-run-mcp/${version}`,
      log,
    });
    const { baseUrl, apiKey } = connection.account;
    return {
      kind,
      client,
      followers: createFollowers({ client, log }),
      groupFollowers: createGroupFollowers({ client, log }),
      prices: createPriceList({ kind, overrides }),
      ledger: ledgers.of({
        backend: kind === "embedded" ? kind : baseUrl,
        keyFingerprint: apiKey === undefined ? null : fingerprintKey(apiKey),
        principal: null,
      }),
      ledgerTrouble: connection.trouble ?? ledgers.volatileReason,
      close,
    };
  } catch (error) {
    await close();
    const message = error instanceof Error ? error.message : String(error);
    throw new BackendUnavailable(message, { cause: error });
  }
}

interface Connection {
  fetch: Fetch;
  account: Pick<TaskApiClientOptions, "baseUrl" | "apiKey" | "betas" | "inputsPerMinute">;
  /** Why runs end with this process. */
  trouble: string | null;
  close: () => Promise<void>;
}

async function connect(config: BackendConfig, log: Logger): Promise<Connection> {
  switch (config.kind) {
    case "embedded": {
      const { engine, trouble } = await startEngineSomewhere(config.engine, log);
      return {
        fetch: createInProcessFetch((request) => engine.fetch(request)),
        account: { baseUrl: EMBEDDED_BASE_URL },
        trouble,
        close: () => engine.close(),
      };
    }
    case "hosted":
    case "custom": {
      const { createUndiciFetch } = await import("../client/undici-fetch.ts");
      const { baseUrl, apiKey, betas, inputsPerMinute } = config;
      const account = { baseUrl, apiKey, betas, ...(inputsPerMinute && { inputsPerMinute }) };
      return { ...createUndiciFetch(), account, trouble: null };
    }
  }
}

/** A state folder that cannot be used is no reason not to work: runs then live in memory, and the user is told. */
async function startEngineSomewhere(
  config: EngineConfig,
  log: Logger,
): Promise<{ engine: Engine; trouble: string | null }> {
  try {
    return { engine: await startEngine(config, { log }), trouble: null };
  } catch (error) {
    if (!(error instanceof DatabaseUnusable)) throw error;
    const engine = await startEngine({ ...config, databasePath: ":memory:" }, { log });
    log.warn({ err: error }, "runs are kept in memory: the state folder cannot be used");
    return { engine, trouble: error.message };
  }
}
