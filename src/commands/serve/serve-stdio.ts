import type { Readable, Writable } from "node:stream";
import type { Logger } from "pino";
import { systemClock } from "../../runtime/clock.ts";
import type { BackendConfig, BridgeConfig, Settings } from "../../config.ts";
import { BackendUnavailable } from "../../mcp/runs/backend.ts";
import { requestFactsOf } from "../../runtime/request-facts.ts";
import { createRunUpdatePublisher } from "../../mcp/protocol/subscriptions.ts";
import { createServerFactory } from "../../mcp/server.ts";
import { serveStdioTransport } from "../../transports/stdio/stdio.ts";
import type { TelemetryConfig } from "../../settings/telemetry-settings.ts";
import type { OpenBackend } from "../wiring/open-backend.ts";
import { openTelemetry } from "../wiring/open-telemetry.ts";

export interface StdioServer {
  backend: BackendConfig;
  bridge: BridgeConfig;
  /** Each call fails with them. The server keeps running, because a client would only say that it exited. */
  wrongSettings: Settings["problems"];
  nameOf: Settings["nameOf"];
  telemetry: TelemetryConfig | undefined;
  version: string;
  log: Logger;
  signal: AbortSignal;
  input: Readable;
  output: Writable;
  /** The id of the `initialize` that was answered before the SDK was loaded. */
  answeredId: string | number | undefined;
  /** Called when the client has disconnected, before the backend closes. */
  onDisconnected: () => void;
}

/** A running collector takes the last spans in less, and hosts soon kill a server that does not exit. */
const TELEMETRY_MS = 1_000;

/** The whole MCP server over stdio, until the client disconnects or `signal` aborts. */
export async function serveStdio({
  backend: config,
  bridge,
  wrongSettings,
  nameOf,
  telemetry: telemetryConfig,
  version,
  log,
  signal,
  input,
  output,
  answeredId,
  onDisconnected,
}: StdioServer): Promise<void> {
  const telemetry = openTelemetry(telemetryConfig, { version, log });
  let backend: Promise<OpenBackend> | undefined;

  /** The first call opens the backend for all calls; after a failure the next call tries again. */
  function openOnce(): Promise<OpenBackend> {
    backend ??= open().catch((error: unknown) => {
      backend = undefined;
      throw error;
    });
    return backend;
  }

  async function open(): Promise<OpenBackend> {
    if (wrongSettings.length > 0) throw await unavailable();
    const { openBackend } = await import("../wiring/open-backend.ts");
    try {
      return await openBackend(config, bridge, { version, log, telemetry });
    } catch (error) {
      throw await unavailable(error);
    }
  }

  /** Names every wrong setting, so that the user can correct all of them at once. */
  async function unavailable(cause?: unknown): Promise<unknown> {
    const { checkSettings } = await import("../wiring/check-settings.ts");
    const all = [...wrongSettings, ...(await checkSettings({ backend: config, bridge }, nameOf))];
    if (all.length === 0) return cause;
    const messages = all.map(({ message }) => message);
    return new BackendUnavailable(messages.join(" "), { cause, wrongSettings: messages });
  }

  for (const { message } of wrongSettings) log.error(message);

  const { principal } = requestFactsOf(undefined);
  const publisher = createRunUpdatePublisher({ backend: openOnce, clock: systemClock, log });
  const factory = createServerFactory({
    ...bridge,
    backend: openOnce,
    version,
    log,
    clock: systemClock,
    publisher,
    traceRequest: telemetry?.traceRequest,
  });
  await new Promise<void>((resolve) => {
    const connection = serveStdioTransport(factory, {
      log,
      input,
      output,
      answeredId,
      onClosed: resolve,
      follow: (uris, publish) => publisher.subscribe(uris, principal, publish),
    });
    const close = () => void connection.close();
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
  });
  onDisconnected();
  // Its caller has already received the error of a backend that could not be opened.
  const opened = await backend?.catch(() => undefined);
  await opened?.close();
  await telemetry?.close(TELEMETRY_MS);
}
