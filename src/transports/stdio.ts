import {
  type JSONRPCMessage,
  type McpServerFactory,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
  isSpecType,
} from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "pino";
import type { Readable, Writable } from "node:stream";

/** Publishes when one of these resources has changed, until the returned function is called. */
export type FollowResources = (
  uris: readonly string[],
  publish: (uri: string) => void,
) => () => void;

export interface StdioOptions {
  log: Logger;
  /** Called once, when the client has gone or `close()` was called. */
  onClosed: () => void;
  /** Where the news of a `subscriptions/listen` comes from; without it there is none. */
  follow?: FollowResources;
  input: Readable;
  /** Nothing else may write to it: it carries JSON-RPC only. */
  output: Writable;
  /** The first request of this id was answered before, by a greeting. */
  answeredId?: RequestId | undefined;
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
  options: StdioOptions,
): StdioConnection {
  const { log } = options;
  const connection = serveStdio(factory, {
    transport: new ObservedStdioTransport(options),
    onerror: (error) => log.warn({ err: error }, "stdio connection"),
  });
  // A greeting has paused it.
  options.input.resume();
  return connection;
}

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/**
 * The SDK's entry keeps two things to itself: the end of a connection, to which every way leads through `close()`; and
 * the subscriptions of modern clients, which it acknowledges through `send()` and has no source of news for. It does not
 * know of a greeting either: what that has answered is not answered again.
 */
class ObservedStdioTransport extends StdioServerTransport {
  readonly #options: StdioOptions;
  readonly #subscriptions = new Map<RequestId, () => void>();
  #answeredId: RequestId | undefined;
  #isClosed = false;

  constructor(options: StdioOptions) {
    super(options.input, options.output);
    this.#options = options;
    this.#answeredId = options.answeredId;
  }

  override async start(): Promise<void> {
    const deliver = this.onmessage;
    // The SDK's transports have no other way to be listened to.
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    this.onmessage = (message) => {
      this.#observeIncoming(message);
      deliver?.(message);
    };
    await super.start();
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isAnswered(message)) return;
    await super.send(message);
    this.#observeSent(message);
  }

  override async close(): Promise<void> {
    for (const id of this.#subscriptions.keys()) this.#end(id);
    await super.close();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClosed();
  }

  #isAnswered(message: JSONRPCMessage): boolean {
    if ("method" in message || this.#answeredId === undefined) return false;
    if (message.id !== this.#answeredId) return false;
    this.#answeredId = undefined;
    return true;
  }

  #observeIncoming(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if ("id" in message && message.method === "subscriptions/listen") {
      // It may be cancelled before it is acknowledged.
      this.#subscriptions.set(message.id, () => {});
    } else if (message.method === "notifications/cancelled") {
      const requestId = isSpecType.CancelledNotification(message) && message.params.requestId;
      if (requestId !== false && requestId !== undefined) this.#end(requestId);
    }
  }

  #observeSent(message: JSONRPCMessage): void {
    if ("error" in message && message.id !== undefined) this.#end(message.id);
    if (!("method" in message) || message.method !== ACKNOWLEDGED) return;
    if (!isSpecType.SubscriptionsAcknowledgedNotification(message)) return;
    const { _meta, notifications } = message.params;
    const id = _meta?.[SUBSCRIPTION_ID_META_KEY];
    if ((typeof id !== "string" && typeof id !== "number") || !this.#subscriptions.has(id)) return;
    const publish = (uri: string) => this.#publish(uri, id);
    const { follow } = this.#options;
    const uris = notifications.resourceSubscriptions ?? [];
    if (follow !== undefined) this.#subscriptions.set(id, follow(uris, publish));
  }

  #publish(uri: string, subscriptionId: RequestId): void {
    const params = { uri, _meta: { [SUBSCRIPTION_ID_META_KEY]: subscriptionId } };
    this.send({ jsonrpc: "2.0", method: "notifications/resources/updated", params }).catch(
      (error: unknown) => {
        this.#options.log.debug({ err: error }, "news of a resource could not be sent");
      },
    );
  }

  #end(id: RequestId): void {
    this.#subscriptions.get(id)?.();
    this.#subscriptions.delete(id);
  }
}
