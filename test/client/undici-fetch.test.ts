import { once } from "node:events";
import { type RequestListener, type ServerResponse, createServer } from "node:http";
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import type { FetchResponse } from "../../src/client/http/fetch.ts";
import { readText } from "../../src/client/http/read-response.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import { deferred } from "../engine/start-test-engine.ts";
import { errorOf } from "./capture.ts";

const ALL = Number.MAX_SAFE_INTEGER;

/** A server that answers as told, and the fetch to ask it with. */
async function serve(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const network = createUndiciFetch();
  onTestFinished(async () => {
    await network.close();
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}/`;
  return (signal?: AbortSignal) =>
    network.fetch(url, { method: "GET", headers: {}, ...(signal && { signal }) });
}

const textOf = async ({ body }: FetchResponse) => (await readText(body, ALL)).text;

test.each([
  ["gzip", gzipSync("Grüße")],
  ["x-gzip", gzipSync("Grüße")],
  ["deflate", deflateSync("Grüße")],
  ["br", brotliCompressSync("Grüße")],
  ["GZIP", gzipSync("Grüße")],
  ["identity", Buffer.from("Grüße")],
])("an answer in %s is read", async (encoding, bytes) => {
  const ask = await serve(({ headers }, response) => {
    expect(headers["accept-encoding"]).toBe("br, gzip, deflate");
    response.writeHead(200, { "content-encoding": encoding }).end(bytes);
  });
  expect(await textOf(await ask())).toBe("Grüße");
});

test("an answer that is not in the encoding it claims is an error", async () => {
  const ask = await serve((_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end("plain");
  });
  expect(await errorOf(textOf(await ask()))).toMatchObject({ code: "Z_DATA_ERROR" });
});

test("what has arrived of a compressed stream is read before the rest is there", async () => {
  const ask = await serve((_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    const gzip = createGzip();
    gzip.pipe(response);
    gzip.write(": open\n\n");
    gzip.flush();
  });
  const { body } = await ask();
  for await (const chunk of body ?? []) {
    expect(Buffer.from(chunk).toString()).toBe(": open\n\n");
    return;
  }
  expect.fail("nothing came");
});

test("a body that nobody reads is held up at the server, and comes whole when it is read", async () => {
  const chunk = Buffer.alloc(64 * 1024, "x");
  const chunks = 1_000;
  let sent = 0;
  const ask = await serve((_request, response) => {
    if (sent > 0) {
      response.end();
      return;
    }
    const writeOn = () => {
      while (sent < chunks) {
        sent += 1;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on("drain", writeOn);
    writeOn();
  });
  const answer = await ask();
  // Time enough to send everything, if it could be sent.
  for (let other = 0; other < 200; other += 1) await textOf(await ask());
  expect(sent).toBeLessThan(chunks);
  const { text } = await readText(answer.body, ALL);
  expect(text).toHaveLength(chunks * chunk.length);
});

test("an abort ends the wait for an answer, and the reading of one, with its reason", async () => {
  const reason = new Error("enough");
  const arrived: ServerResponse[] = [];
  const isThere = deferred();
  const ask = await serve((_request, response) => {
    arrived.push(response);
    isThere.resolve();
  });
  expect(await errorOf(ask(AbortSignal.abort(reason)))).toBe(reason);

  const leaving = new AbortController();
  const waiting = errorOf(ask(leaving.signal));
  await isThere.promise;
  const [response] = arrived;
  const closed = response && once(response, "close");
  leaving.abort(reason);
  expect(await waiting).toBe(reason);
  await closed;
});
