import Parallel from "parallel-web";
import type { Engine } from "../../src/engine/engine.ts";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import { onFinished } from "../on-finished.ts";

/** The official client, connected to an engine over a socket. It retries nothing, so a test sees every answer. */
export async function connectOfficialClient(engine: Engine, apiKey = "any-key"): Promise<Parallel> {
  const server = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
  });
  onFinished(() => server.close());
  return new Parallel({ apiKey, baseURL: server.url, maxRetries: 0 });
}

/** Reads a stream to its end, or until it has `limit` events; then the connection is cut. */
export async function readAll<Event>(
  stream: AsyncIterable<Event>,
  limit = Infinity,
): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) {
    events.push(event);
    if (events.length >= limit) break;
  }
  return events;
}
