import { type ServerResponse, createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { onTestFinished, expect, test } from "vitest";
import { z } from "zod";
import { streamIfSlow } from "../../src/transports/http/stream-if-slow.ts";
import { deferred } from "../engine/start-test-engine.ts";

const Address = z.object({ port: z.number() });

/** A server whose one answer is late, and a client that has read its first bytes. */
async function begin() {
  const answer = deferred<Response>();
  const failures: unknown[] = [];
  const closed = deferred();
  const server = createServer((_request, outgoing: ServerResponse) => {
    outgoing.once("close", closed.resolve);
    void streamIfSlow(answer.promise, outgoing, {
      afterMs: 1,
      everyMs: 60_000,
      onFailed: (error) => failures.push(error),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = Address.parse(server.address());
  const leave = new AbortController();
  const { body } = await fetch(`http://127.0.0.1:${port}/`, { signal: leave.signal });
  const reader = (body ?? new ReadableStream<Uint8Array>())
    .pipeThrough(new TextDecoderStream())
    .getReader();
  expect((await reader.read()).value).toBe(": keepalive\n\n");
  return { answer, failures, reader, leave, closed: closed.promise };
}

test("a late answer follows in the stream, which then ends", async () => {
  const { answer, failures, reader } = await begin();
  answer.resolve(Response.json({ late: true }));
  expect((await reader.read()).value).toBe('event: message\ndata: {"late":true}\n\n');
  expect((await reader.read()).done).toBe(true);
  expect(failures).toEqual([]);
});

test("a late answer that fails is cut, and what went wrong is told", async () => {
  const { answer, failures, reader } = await begin();
  const error = new Error("no answer");
  answer.reject(error);
  await expect(reader.read()).rejects.toThrow("terminated");
  expect(failures).toEqual([error]);
});

test("what fails after the client has left is told to nobody", async () => {
  const { answer, failures, reader, leave, closed } = await begin();
  leave.abort(new Error("enough"));
  await expect(reader.read()).rejects.toThrow("enough");
  await closed;
  answer.reject(new Error("no answer"));
  // A turn of the event loop later, everything that follows from it has happened.
  await setImmediate();
  expect(failures).toEqual([]);
});
