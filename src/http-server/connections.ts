import { type Server, STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { HttpLimits } from "../transports/http/limits.ts";
import { newRequestId, REQUEST_ID_HEADER } from "./request-id.ts";

/** Long enough for an answer to reach the other side of the world. */
const LINGER_MS = 1_000;
/** A connection is looked at this often within the time it has, so that it lasts at most a quarter longer. */
const LOOKS = 4;

/**
 * Answers what is not even a request: headers that are too large (431) or too slow (408), and bytes that are no HTTP
 * (400). Then the connection ends.
 */
export function answerClientErrors(server: Server, log: Logger): void {
  const answering = new Map<Duplex, ServerResponse>();
  server.on("request", ({ socket }, response) => {
    answering.set(socket, response);
    response.once("close", () => {
      if (answering.get(socket) === response) answering.delete(socket);
    });
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // An error in the middle of an answer has no place for another.
    if (!socket.writable || answering.get(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    const requestId = newRequestId();
    const { status, message } = explainClientError(error.code);
    log.debug({ request_id: requestId, status, reason: error.message }, "refused");
    socket.end(writeAnswer(status, message, requestId));
    // What the client still sends is read and forgotten for a moment: closing at once would take the answer from it.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

function explainClientError(code: string | undefined): { status: number; message: string } {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, message: "The request line and headers are too large; shorten them." };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, message: "The request did not arrive in time; send it again." };
    default:
      return { status: 400, message: "This is not HTTP as it should be." };
  }
}

function writeAnswer(status: number, message: string, requestId: string): string {
  const body = JSON.stringify({ jsonrpc: "2.0", error: { code: -32_000, message }, id: null });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    "",
    body,
  ].join("\r\n");
}

/** Drops connections whose client does not read what was sent to it: what waits for them must not grow. */
export function dropUnreadConnections(
  server: Server,
  { unreadMs }: Pick<HttpLimits, "unreadMs">,
  log: Logger,
): void {
  const unread = new Map<Socket, { written: number; ms: number }>();
  const lookMs = unreadMs / LOOKS;

  server.on("connection", (socket) => {
    unread.set(socket, { written: 0, ms: 0 });
    socket.once("close", () => unread.delete(socket));
  });

  const timer = setInterval(() => {
    for (const [socket, last] of unread) {
      // What has left this process. A client that reads at all makes room for more of it.
      const written = socket.bytesWritten - socket.writableLength;
      const isStuck = socket.writableLength > 0 && written === last.written;
      const ms = isStuck ? last.ms + lookMs : 0;
      unread.set(socket, { written, ms });
      if (ms < unreadMs) continue;
      log.info({ peer: socket.remoteAddress }, "dropped a client that does not read");
      socket.destroy();
    }
  }, lookMs);
  timer.unref();
  server.once("close", () => clearInterval(timer));
}
