import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";

/** An HTTP server in front of a request handler. */
export interface HttpServer {
  /** Base URL, with the port that was really taken. */
  url: string;
  /** Stops listening and ends every open connection. */
  close(): Promise<void>;
}

/** Listens on `host`:`port` (0 takes a free one). Rejects with the system's error when it cannot. */
export async function serveHttp(
  fetch: (request: Request) => Promise<Response>,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const server = createAdaptorServer({ fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url: toUrl(server.address()),
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        // Long polls and event streams would keep the server open for minutes; their callers come back.
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

function toUrl(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
