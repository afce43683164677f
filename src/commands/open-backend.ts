import type { Logger } from "pino";
import type { Fetch } from "../client/fetch.ts";
import { createFollowers } from "../client/follower.ts";
import { createInProcessFetch } from "../client/in-process-fetch.ts";
import { createTaskApiClient } from "../client/create-task-api-client.ts";
import type { BackendConfig } from "../config.ts";
import { type Backend, BackendUnavailable } from "../mcp/backend.ts";
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
  { version, log }: { version: string; log: Logger },
): Promise<OpenBackend> {
  try {
    const { fetch, close, ...options } = await connect(config, log);
    const client = createTaskApiClient({
      ...options,
      fetch,
      userAgent: `task-run-mcp/${version}`,
      log,
    });
    return { kind: config.kind, client, followers: createFollowers({ client, log }), close };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BackendUnavailable(message, { cause: error });
  }
}

interface Connection {
  fetch: Fetch;
  close: () => Promise<void>;
  baseUrl: string;
  apiKey?: string;
}

async function connect(config: BackendConfig, log: Logger): Promise<Connection> {
  switch (config.kind) {
    case "embedded": {
      const engine = await startEngine(config.engine, { log });
      return {
        fetch: createInProcessFetch((request) => engine.fetch(request)),
        close: () => engine.close(),
        baseUrl: EMBEDDED_BASE_URL,
      };
    }
    case "hosted":
    case "custom": {
      const { createUndiciFetch } = await import("../client/undici-fetch.ts");
      const { fetch, close } = createUndiciFetch();
      const { baseUrl, apiKey } = config;
      return { fetch, close, baseUrl, ...(apiKey !== undefined && { apiKey }) };
    }
  }
}
