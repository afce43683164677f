import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { pino } from "pino";
import {
  createGuardedFetch,
  type GuardedFetch,
} from "../../../src/engine/outgoing/guarded-fetch.ts";
import type { ResolveHost } from "../../../src/engine/outgoing/guarded-connector.ts";
import { onFinished } from "../../on-finished.ts";

export interface LoopbackServer {
  url: string;
  port: number;
  /** Every request so far, with the headers it had. */
  requests: IncomingMessage[];
}

/** A real server on 127.0.0.1; closed when the test ends. */
export async function startServer(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LoopbackServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
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
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, requests };
}

/** A guarded fetch with its log; closed when the test ends. */
export function createGuard({
  allowNetworks = [],
  resolveHost,
}: {
  allowNetworks?: string[];
  resolveHost?: ResolveHost;
} = {}): GuardedFetch & { logged: string[] } {
  const logged: string[] = [];
  const guard = createGuardedFetch({
    allowNetworks,
    log: pino({ level: "trace" }, { write: (line: string) => logged.push(line) }),
    ...(resolveHost !== undefined && { resolveHost }),
  });
  onFinished(() => guard.close());
  return { ...guard, logged };
}

/** A guarded fetch that reaches servers of {@link startServer}, and nothing else that is not public. */
export const createLoopbackGuard = () => createGuard({ allowNetworks: ["127.0.0.1/32"] });
