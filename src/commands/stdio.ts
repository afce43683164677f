import type { Logger } from "pino";
import { z } from "zod";
import { systemClock } from "../client/clock.ts";
import type { BackendConfig, BridgeConfig } from "../config.ts";
import { readRequestFacts } from "../mcp/caller.ts";
import { createResourceNews } from "../mcp/news/resource-news.ts";
import { createTaskRunServer } from "../mcp/server.ts";
import { serveStdioTransport } from "../transports/stdio.ts";
import { ExitCode } from "./exit-code.ts";
import type { OpenBackend } from "./open-backend.ts";

/** `task-run-mcp` without a command: the MCP server over stdio, until the client leaves or `signal` aborts. */
export async function stdioCommand({
  backend: config,
  bridge,
  version,
  log,
  signal,
  onDisconnected,
}: {
  backend: BackendConfig;
  bridge: BridgeConfig;
  version: string;
  log: Logger;
  signal: AbortSignal;
  /** Called when the client has left, before the backend closes. */
  onDisconnected: () => void;
}): Promise<ExitCode> {
  // A parser is compiled for each schema with its first use, and a host waits for the first answer; later ones are few.
  z.config({ jitless: true });
  let backend: Promise<OpenBackend> | undefined;

  /** One backend for all calls, opened by the first; one that could not be opened is tried again by the next call. */
  function openOnce(): Promise<OpenBackend> {
    backend ??= open().catch((error: unknown) => {
      backend = undefined;
      throw error;
    });
    return backend;
  }

  async function open(): Promise<OpenBackend> {
    const { openBackend } = await import("./open-backend.ts");
    return openBackend(config, bridge, { version, log });
  }

  const { caller } = readRequestFacts(undefined);
  const news = createResourceNews({ backend: openOnce, clock: systemClock, log });
  const factory = createTaskRunServer({
    ...bridge,
    backend: openOnce,
    version,
    log,
    clock: systemClock,
    news,
  });
  await new Promise<void>((resolve) => {
    const connection = serveStdioTransport(factory, {
      log,
      onClosed: resolve,
      follow: (uris, publish) => news.follow(uris, caller, publish),
    });
    const close = () => void connection.close();
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
  });
  onDisconnected();
  // One that could not be opened has told its caller so.
  const opened = await backend?.catch(() => undefined);
  await opened?.close();
  return ExitCode.done;
}
