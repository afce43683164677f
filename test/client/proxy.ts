import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer, request } from "node:http";
import { type Duplex } from "node:stream";
import { type AddressInfo, connect } from "node:net";
import { onFinished } from "../on-finished.ts";

export interface TestProxy {
  url: string;
  /** `CONNECT host:port` and `GET http://…` of every request so far. */
  asked: string[];
  /** What `proxy-authorization` said. */
  authorizations: (string | undefined)[];
}

/** A real forward proxy on the loopback device; every name that it is asked for leads to this machine. */
export async function startProxy({
  refuseWith,
  credentials,
}: {
  /** Answers everything with this status. */
  refuseWith?: number;
  /** `user:password` that it wants. */
  credentials?: string;
} = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Duplex>();
  const expected = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;

  /** The status of a refusal, or null. */
  function refusal(incoming: IncomingMessage): number | null {
    asked.push(`${incoming.method} ${incoming.url}`);
    const authorization = incoming.headers["proxy-authorization"];
    authorizations.push(authorization);
    return refuseWith ?? (expected !== undefined && authorization !== expected ? 407 : null);
  }

  const server = createServer((incoming: IncomingMessage, answer: ServerResponse) => {
    const status = refusal(incoming);
    if (status !== null) {
      answer.writeHead(status).end("The proxy says no.");
      return;
    }
    const { port, pathname, search } = new URL(incoming.url ?? "");
    const { "proxy-authorization": _own, ...headers } = incoming.headers;
    const onward = request(
      { host: "127.0.0.1", port, path: pathname + search, method: incoming.method, headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      },
    );
    onward.on("error", () => answer.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("connect", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const status = refusal(incoming);
    if (status !== null) {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const port = Number(incoming.url?.split(":").at(-1));
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${portOf(server.address())}`, asked, authorizations };
}

export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
