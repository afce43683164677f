import type { McpServer } from "@modelcontextprotocol/server";
import { systemClock } from "../runtime/clock.ts";
import type { OpenBackend } from "../commands/wiring/open-backend.ts";
import { readConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { createServerFactory } from "../mcp/server.ts";
import { type EngineOptions, type ProxyOptions, engineFlags, proxyFlags } from "./options.ts";

export interface TaskRunServerOptions extends EngineOptions, ProxyOptions {
  /** Key of the hosted Task API; without it, and without `baseUrl`, the built-in engine performs the runs. */
  apiKey?: string;
  /** Base URL of another Task API. */
  baseUrl?: string;
  /** Which tools agents get; all by default. */
  toolsets?: readonly ("runs" | "groups")[];
  /** Only tools that start, change and spend nothing. */
  readOnly?: boolean;
  defaultProcessor?: string;
  /** US dollars that may be spent in a UTC day. */
  budgetUsd?: number;
  /** The longest wait of one call, in seconds. */
  maxWaitSeconds?: number;
}

/** The tools of this package, for a transport of your own. */
export interface TaskRunServer {
  /** Makes an MCP server for one connection, or one request: pass it to `serveStdio` or `createMcpHandler`. */
  factory(): McpServer;
  /** Closes the backend. Started runs continue. */
  close(): Promise<void>;
}

/**
 * The MCP server as a library. Nothing is opened before the first tool call; then the backend is the one the options
 * choose. Without `stateDir` the built-in engine and the record of runs live in memory. Throws `BadSetting`.
 */
export function createTaskRunServer(options: TaskRunServerOptions = {}): TaskRunServer {
  const { apiKey, baseUrl, toolsets, readOnly, defaultProcessor, budgetUsd, maxWaitSeconds } =
    options;
  const { backend, bridge, logLevel, secrets } = readConfig(
    {
      ...engineFlags(options),
      ...proxyFlags(options),
      ...(apiKey !== undefined && { apiKey }),
      ...(baseUrl !== undefined && { baseUrl }),
      ...(toolsets !== undefined && { toolsets: toolsets.join(",") }),
      ...(readOnly !== undefined && { readOnly }),
      ...(defaultProcessor !== undefined && { defaultProcessor }),
      ...(budgetUsd !== undefined && { budgetUsd: String(budgetUsd) }),
      ...(maxWaitSeconds !== undefined && { maxWaitSeconds: String(maxWaitSeconds) }),
    },
    {},
  );
  const log = createLogger({ level: logLevel, secrets });
  const version = "library";
  const isKept = options.stateDir !== undefined;
  let opened: Promise<OpenBackend> | undefined;

  async function open(): Promise<OpenBackend> {
    const { openBackend } = await import("../commands/wiring/open-backend.ts");
    return openBackend(
      isKept || backend.kind !== "embedded"
        ? backend
        : { ...backend, engine: { ...backend.engine, databasePath: ":memory:" } },
      isKept ? bridge : { ...bridge, ledgerPath: ":memory:" },
      { version, log },
    );
  }

  /** One backend for all calls, opened by the first; one that could not be opened is tried again by the next call. */
  function openOnce(): Promise<OpenBackend> {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  const factory = createServerFactory({
    ...bridge,
    backend: openOnce,
    version,
    log,
    clock: systemClock,
  });
  return {
    factory: () => factory(),
    async close() {
      // If opening failed, the caller has already got the error.
      const backendToClose = await opened?.catch(() => undefined);
      await backendToClose?.close();
    },
  };
}
