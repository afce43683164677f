import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { ConnectionLimits } from "./connection-limits.ts";

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
