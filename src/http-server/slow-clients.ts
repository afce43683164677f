import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { ConnectionLimits } from "../engine/http-api/limits.ts";

/** A connection is looked at this often within the time it has, so that it lasts at most a quarter longer. */
const LOOKS = 4;

/**
 * Drops connections whose client does not read what was sent to it. Nothing is lost with them: no more than a few
 * chunks wait for a client (the producers stop when it does not read), and a stream can be opened again.
 */
export function dropUnreadConnections(
  server: Server,
  { unreadMs, slowestBytesPerSecond }: ConnectionLimits,
  log: Logger | undefined,
): void {
  const unread = new Map<Socket, { bytes: number; ms: number }>();
  const lookMs = unreadMs / LOOKS;

  server.on("connection", (socket) => {
    unread.set(socket, { bytes: 0, ms: 0 });
    socket.once("close", () => unread.delete(socket));
  });

  const timer = setInterval(() => {
    for (const [socket, last] of unread) {
      // What waits is counted until all of it is written, so a large piece has the time that its size needs.
      const bytes = socket.writableLength;
      const ms = bytes > 0 && bytes === last.bytes ? last.ms + lookMs : 0;
      unread.set(socket, { bytes, ms });
      if (ms < unreadMs + (bytes / slowestBytesPerSecond) * 1_000) continue;
      log?.info({ bytes, peer: socket.remoteAddress }, "dropped a client that does not read");
      socket.destroy();
    }
  }, lookMs);
  timer.unref();
  server.once("close", () => clearInterval(timer));
}
