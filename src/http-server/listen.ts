import { type Server, type ServerOptions, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { type AnswerClientError, answerClientErrors } from "./client-errors.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { dropUnreadConnections } from "./slow-clients.ts";

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
