import {
  type JSONRPCMessage,
  type McpServerFactory,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
  type Transport,
  isSpecType,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "pino";
import type { Readable, Writable } from "node:stream";
import { type InvalidMessage, INVALID_REQUEST, hasBatches, parseMessages } from "../messages.ts";
import { createLineReader } from "./stdio-lines.ts";

/** Publishes when one of these resources has changed, until the returned function is called. */
export type FollowResources = (
  uris: readonly string[],
  publish: (uri: string) => void,
) => () => void;

export interface StdioOptions {
  log: Logger;
  /** Called once, when the client has gone or `close()` was called. */
  onClosed: () => void;
  /** The source of the updates for `subscriptions/listen`; without it there are none. */
  follow?: FollowResources;
  input: Readable;
  /** Nothing else may write to it: it carries JSON-RPC only. */
  output: Writable;
  /** The first request of this id was answered in the handshake. */
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
  return serveStdio(factory, {
    transport: new StdioTransport(options),
    onerror: ({ message }) => options.log.warn({ reason: message }, "stdio connection"),
  });
}

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** The notifications that the SDK handles; it silently ignores all others. */
const KNOWN_NOTIFICATIONS: ReadonlySet<string> = new Set([
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
]);

/** The answers to a batch go out together (JSON-RPC, section 6). */
interface Batch {
  pending: Set<RequestId>;
  answers: object[];
}

/**
 * A transport for lines of JSON-RPC. The SDK's own drops messages it cannot read, ends at a message that is too large,
 * and knows no batches; this one answers or logs every message. The SDK does not expose the end of a connection or the
 * subscriptions of modern clients, so this transport observes both. Requests that the handshake has answered are not
 * answered again.
 */
class StdioTransport implements Transport {
  onmessage?: NonNullable<Transport["onmessage"]>;
  onerror?: NonNullable<Transport["onerror"]>;
  onclose?: NonNullable<Transport["onclose"]>;
  readonly #options: StdioOptions;
  readonly #subscriptions = new Map<RequestId, () => void>();
  readonly #batches = new Map<RequestId, Batch>();
  /** The ids of requests to the client that it has not answered. */
  readonly #asked = new Set<RequestId>();
  #answeredId: RequestId | undefined;
  #revision: string | undefined;
  #stopReading = () => {};
  #isClosed = false;

  constructor(options: StdioOptions) {
    this.#options = options;
    this.#answeredId = options.answeredId;
  }

  async start(): Promise<void> {
    const { input, output, log } = this.#options;
    const lines = createLineReader({
      onLine: (line) => this.#readLine(line),
      onTooLong: (id, limit) =>
        this.#refuse({
          id,
          code: INVALID_REQUEST,
          reason: `Invalid request: the message is larger than ${limit} bytes; send less at a time.`,
        }),
    });
    const close = () => void this.close();
    const fail = (error: Error) => this.onerror?.(error);
    this.#stopReading = () => void input.off("data", lines.push).pause();
    input.on("data", lines.push).on("error", fail).on("close", close);
    input.on("end", () => {
      if (lines.isInLine()) log.warn("stdin ended within a message, which was not read");
      close();
    });
    // Stays to the end: an output that has broken can fail again while the rest is written.
    output.on("error", (error) => {
      if (!this.#isClosed) fail(error);
      close();
    });
    if (input.readableEnded || input.destroyed || output.destroyed) setImmediate(close);
    // The handshake has paused it.
    input.resume();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#observeSent(message);
    if (this.#isAnswered(message)) return;
    const id = "method" in message ? undefined : message.id;
    const batch = id === undefined ? undefined : this.#leaveBatch(id);
    if (batch === undefined) {
      await this.#write(message);
      return;
    }
    batch.answers.push(message);
    await this.#writeBatch(batch);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const id of this.#subscriptions.keys()) this.#end(id);
    this.#stopReading();
    this.onclose?.();
    this.#options.onClosed();
  }

  #readLine(line: string): void {
    if (line.trim() === "") return;
    const read = parseMessages(line);
    if ("one" in read) {
      if ("invalid" in read.one) this.#refuse(read.one.invalid);
      else this.#deliver(read.one.message);
      return;
    }
    if (this.#revision !== undefined && !hasBatches(this.#revision)) {
      const reason = `Invalid request: revision ${this.#revision} has no batches; send each message by itself.`;
      this.#refuse({ id: null, code: INVALID_REQUEST, reason });
      return;
    }
    const batch: Batch = { pending: new Set(), answers: [] };
    const messages: JSONRPCMessage[] = [];
    for (const part of read.batch) {
      if ("invalid" in part) {
        const answer = this.#noteInvalid(part.invalid);
        if (answer !== null) batch.answers.push(answer);
      } else {
        messages.push(part.message);
        if (!("method" in part.message && "id" in part.message)) continue;
        batch.pending.add(part.message.id);
        this.#batches.set(part.message.id, batch);
      }
    }
    for (const message of messages) this.#deliver(message);
    void this.#writeBatch(batch).catch(() => {});
  }

  #leaveBatch(id: RequestId): Batch | undefined {
    const batch = this.#batches.get(id);
    this.#batches.delete(id);
    batch?.pending.delete(id);
    return batch;
  }

  async #writeBatch({ pending, answers }: Batch): Promise<void> {
    if (pending.size === 0 && answers.length > 0) await this.#write(answers);
  }

  #refuse(invalid: InvalidMessage): void {
    const answer = this.#noteInvalid(invalid);
    if (answer !== null) void this.#write(answer).catch(() => {});
  }

  /** Logs the invalid message and returns the error to answer it with; null if it expects no answer. */
  #noteInvalid({ id, code, reason }: InvalidMessage): object | null {
    this.#options.log.warn({ reason, id }, "a message of the client cannot be served");
    return id === undefined ? null : { jsonrpc: "2.0", id, error: { code, message: reason } };
  }

  #deliver(message: JSONRPCMessage): void {
    if ("method" in message && !("id" in message) && !KNOWN_NOTIFICATIONS.has(message.method)) {
      this.#options.log.info(
        { method: message.method.slice(0, 100) },
        "a notification is not known here",
      );
    }
    this.#observeIncoming(message);
    this.onmessage?.(message);
  }

  /** Resolves when the client has room for more. */
  #write(value: object): Promise<void> {
    const { output } = this.#options;
    if (this.#isClosed || output.destroyed) return Promise.reject(new Error("The client has gone"));
    if (output.write(`${JSON.stringify(value)}\n`)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = () => {
        output.off("drain", settle).off("close", settle);
        if (output.destroyed) reject(new Error("The client has gone"));
        else resolve();
      };
      output.on("drain", settle).on("close", settle);
    });
  }

  #isAnswered(message: JSONRPCMessage): boolean {
    if ("method" in message || this.#answeredId === undefined) return false;
    if (message.id !== this.#answeredId) return false;
    this.#answeredId = undefined;
    return true;
  }

  #observeIncoming(message: JSONRPCMessage): void {
    if (!("method" in message)) {
      const { id } = message;
      if (id !== undefined && this.#asked.delete(id)) return;
      this.#options.log.info({ id }, "the client answered what it was not asked");
      return;
    }
    if ("id" in message && message.method === "subscriptions/listen") {
      // It may be cancelled before it is acknowledged.
      this.#subscriptions.set(message.id, () => {});
    } else if (message.method === "notifications/cancelled") {
      const requestId = isSpecType.CancelledNotification(message) && message.params.requestId;
      if (requestId === false || requestId === undefined) return;
      this.#end(requestId);
      // It is not answered, and the others of its batch do not wait for it.
      const batch = this.#leaveBatch(requestId);
      if (batch !== undefined) void this.#writeBatch(batch).catch(() => {});
    }
  }

  #observeSent(message: JSONRPCMessage): void {
    if ("result" in message && isSpecType.InitializeResult(message.result)) {
      this.#revision = message.result.protocolVersion;
    }
    if ("method" in message && "id" in message) this.#asked.add(message.id);
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
        this.#options.log.debug({ err: error }, "a resource update could not be sent");
      },
    );
  }

  #end(id: RequestId): void {
    this.#subscriptions.get(id)?.();
    this.#subscriptions.delete(id);
  }
}
