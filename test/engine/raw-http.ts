import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type ServeOptions, serveTaskApi } from "../../src/engine/http-api/serve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { onFinished } from "../on-finished.ts";

/** The engine on a port of its own, until the test ends. */
export async function listen(
  engine: Engine,
  options: Partial<ServeOptions> = {},
): Promise<{ url: string; port: number }> {
  const server = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
    ...options,
  });
  onFinished(() => server.close());
  return { url: server.url, port: Number(new URL(server.url).port) };
}

/** A connection without a client's manners: it sends what it is given. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  // A server that drops it may reset it; that is what the tests are about.
  socket.on("error", () => {});
  onFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Everything the server sends until it closes the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  if (!socket.closed) await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

/** Sends `text` on a connection of its own and answers with what comes back. */
export async function exchange(port: number, text: string): Promise<RawAnswer> {
  const socket = await openSocket(port);
  socket.write(text);
  return parseAnswer(await readToEnd(socket));
}

export interface RawAnswer {
  status: number;
  headers: Headers;
  body: ReturnType<typeof JSON.parse>;
}

export function parseAnswer(text: string): RawAnswer {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    // Read when it is asked for: an answer that took long comes in chunks, and is no JSON here.
    get body() {
      return body === "" ? null : JSON.parse(body);
    },
  };
}
