import { type Server, type ServerOptions, createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "pino";
import { type AnswerClientError, answerClientErrors } from "./client-errors.ts";
import type { ConnectionLimits } from "./connection-limits.ts";

/** A server that holds clients to `limits` and answers broken requests; it has no handler yet and does not listen. */
export function createHttpServer(
  limits: ConnectionLimits,
  {
    answerClientError,
    log,
    ...options
  }: Pick<ServerOptions, "requireHostHeader"> & {
    answerClientError: AnswerClientError;
    log: Logger | undefined;
  },
): Server {
  const server = createServer({
    ...options,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.idleMs,
  });
  answerClientErrors(server, answerClientError);
  dropUnreadConnections(server, limits, log);
  return server;
}

/**
 * Resolves with the address and its URL once the server listens; port 0 takes a free one. Rejects with the system's
 * error. No request has arrived then: it is still the turn of the event loop in which the server began to listen.
 */
export async function listen(
  server: Server,
  options: { host: string; port: number; backlog: number },
): Promise<{ address: AddressInfo; url: string }> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return { address, url: `http://${host}:${address.port}` };
}

/** A connection is checked this often within the time it has, so that it lasts at most a quarter longer. */
const CHECKS = 4;

/**
 * Drops connections whose client does not read what was sent to it: what waits for them must not grow. A stream can be
 * opened again, and an answer asked for again.
 */
export function dropUnreadConnections(
  server: Server,
  { unreadMs, slowestBytesPerSecond }: ConnectionLimits,
  log: Logger | undefined,
): void {
  const unread = new Map<Socket, { written: number; ms: number }>();
  const checkMs = unreadMs / CHECKS;

  server.on("connection", (socket) => {
    unread.set(socket, { written: 0, ms: 0 });
    socket.once("close", () => unread.delete(socket));
  });

  const timer = setInterval(() => {
    for (const [socket, last] of unread) {
      const waiting = socket.writableLength;
      // A piece counts as written when the client has taken all of it, so a large one gets the time its size needs.
      const written = socket.bytesWritten - waiting;
      const ms = waiting > 0 && written === last.written ? last.ms + checkMs : 0;
      unread.set(socket, { written, ms });
      if (ms < unreadMs + (waiting / slowestBytesPerSecond) * 1_000) continue;
      log?.info(
        { bytes: waiting, peer: socket.remoteAddress },
        "dropped a client that does not read",
      );
      socket.destroy();
    }
  }, checkMs);
  timer.unref();
  server.once("close", () => clearInterval(timer));
}
