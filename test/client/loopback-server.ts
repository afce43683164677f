import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createClient } from "../../src/client/create-task-api-client.ts";
import type { TaskApiClientOptions } from "../../src/client/create-task-api-client.ts";
import type { TaskApiClient } from "../../src/client/task-api-client.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { onFinished } from "../on-finished.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface LoopbackServer {
  url: string;
  /** `METHOD /path` of every request so far. */
  requests: string[];
}

/** A real socket on the loopback device, for faults that a healthy server does not produce. */
export async function startLoopbackServer(listener: Listener): Promise<LoopbackServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

/** The real engine on a socket; what `intercept` answers itself (true) does not reach it. */
export function startEngineServer(
  engine: Engine,
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<LoopbackServer> {
  const serve = getRequestListener(engine.fetch, { overrideGlobalObjects: false });
  return startLoopbackServer((request, response) => {
    if (!intercept(request, response)) void serve(request, response);
  });
}

/** A client whose connections close when the test ends. */
export function connectOverNetwork(options: Omit<TaskApiClientOptions, "fetch">): TaskApiClient {
  const network = createUndiciFetch();
  onFinished(() => network.close());
  return createClient({ ...options, fetch: network.fetch });
}
