import type { McpServerFactory } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "pino";
import type { Readable, Writable } from "node:stream";

export interface StdioOptions {
  log: Logger;
  /** Called once, when the client has gone or `close()` was called. */
  onClosed: () => void;
  /** The process's own by default. Nothing else may write to this output: it carries JSON-RPC only. */
  input?: Readable;
  output?: Writable;
}

export interface StdioConnection {
  /** Ends the connection; calls in flight are aborted and not answered. */
  close(): Promise<void>;
}

/**
 * Serves MCP over stdin and stdout, in whichever protocol era the client opens with. A client that closes stdin ends
 * the connection; so does an output that breaks (MCP: stdio transport, "Shutdown").
 */
export function serveStdioTransport(
  factory: McpServerFactory,
  { log, onClosed, input, output }: StdioOptions,
): StdioConnection {
  const transport = new ObservedStdioTransport(onClosed, input, output);
  return serveStdio(factory, {
    transport,
    onerror: (error) => log.warn({ err: error }, "stdio connection"),
  });
}

/** The SDK's entry keeps the end of a connection to itself; every way to it leads through `close()`. */
class ObservedStdioTransport extends StdioServerTransport {
  readonly #onClosed: () => void;
  #isClosed = false;

  constructor(onClosed: () => void, input: Readable | undefined, output: Writable | undefined) {
    super(input, output);
    this.#onClosed = onClosed;
  }

  override async close(): Promise<void> {
    await super.close();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed();
  }
}
