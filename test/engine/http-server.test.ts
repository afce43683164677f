import { once } from "node:events";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import { ErrorBody } from "../../src/task-api/error-body.ts";
import { call } from "./call-engine.ts";
import { exchange, listen, openSocket, parseAnswer, readToEnd } from "./raw-http.ts";
import { deferred, startTestEngine, textResult, untilAborted } from "./start-test-engine.ts";

const question = { input: "q", processor: "base" };
const execute = async () => textResult("ok");
/** So short that a test sees them pass; the checks come more often still. */
const impatient = { headersMs: 150, requestMs: 300, checkMs: 30 };

/** The engine of every test that needs no settings of its own. */
let sharedUrl: string;
let sharedPort: number;

beforeAll(async () => {
  ({ url: sharedUrl, port: sharedPort } = await listen(await startTestEngine(execute)));
});

test("headers that are too large are refused with 431 in the API's own body", async () => {
  const lines: string[] = [];
  const output = new PassThrough().on("data", (line: Buffer) => lines.push(line.toString()));
  const { port } = await listen(await startTestEngine(execute), {
    log: pino({ level: "debug" }, output),
  });
  const answer = await exchange(
    port,
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: ${"x".repeat(64 * 1024)}\r\n\r\n`,
  );
  expect(answer.status).toBe(431);
  const { error } = ErrorBody.parse(answer.body);
  expect(answer.headers.get("x-request-id")).toBe(error.ref_id);
  expect(lines.join("")).toContain(error.ref_id);
});

test("the size of headers can be chosen", async () => {
  const { port } = await listen(await startTestEngine(execute), { limits: { headerBytes: 1_024 } });
  const request = (bytes: number) =>
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Large: ${"x".repeat(bytes)}\r\n\r\n`;
  expect((await exchange(port, request(500))).status).toBe(200);
  expect((await exchange(port, request(2_000))).status).toBe(431);
});

test.each([
  ["nonsense", "\u0000\u0001\r\n\r\n"],
  ["another protocol", "EHLO example.com\r\n\r\n"],
  ["a header without a name", "GET / HTTP/1.1\r\n: x\r\n\r\n"],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
  ],
  [
    "a length and chunks, as in request smuggling",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"],
  ["a host that is none", "GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
  ["a path that is none", "GET x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
])("%s is answered with 400, and the connection ends", async (_name, text) => {
  const answer = await exchange(sharedPort, text);
  expect(answer.status).toBe(400);
  if (answer.body !== null) ErrorBody.parse(answer.body);
  expect((await fetch(`${sharedUrl}/healthz`)).status).toBe(200);
});

test("a client that sends its headers byte by byte is answered with 408 and dropped", async () => {
  const { port } = await listen(await startTestEngine(execute), { limits: impatient });
  const socket = await openSocket(port);
  socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
  const drip = setInterval(() => socket.write("X"), 20);
  onTestFinished(() => clearInterval(drip));
  const answer = parseAnswer(await readToEnd(socket));
  expect(answer.status).toBe(408);
  expect(ErrorBody.parse(answer.body).error.message).toContain("did not arrive in time");
});

test("a client that connects and says nothing is dropped", async () => {
  const { port } = await listen(await startTestEngine(execute), { limits: impatient });
  const socket = await openSocket(port);
  await readToEnd(socket);
  expect(socket.closed).toBe(true);
});

test("a client that never finishes its body is dropped", async () => {
  const { port } = await listen(await startTestEngine(execute), { limits: impatient });
  const socket = await openSocket(port);
  socket.write(
    'POST /v1/tasks/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"input":',
  );
  const drip = setInterval(() => socket.write(" "), 40);
  onTestFinished(() => clearInterval(drip));
  const answer = parseAnswer(await readToEnd(socket));
  expect(answer.status).toBe(408);
});

test("waiting for an answer is not sending slowly: a long poll outlasts those limits", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const { url } = await listen(engine, { limits: impatient });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const answer = await fetch(`${url}/v1/tasks/runs/${run.run_id}/result?timeout=1`);
  expect(answer.status).toBe(408);
  expect(ErrorBody.parse(await answer.json()).error.message).toBe(
    "Request timed out; run still active",
  );
});

test("a connection without a request is kept for the next one, so long and no longer", async () => {
  const { port } = await listen(await startTestEngine(execute), { limits: { idleMs: 200 } });
  const socket = await openSocket(port);
  const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (let i = 0; i < 2; i++) {
    socket.write(request);
    const [chunk]: Buffer[] = await once(socket, "data");
    expect(chunk?.toString()).toContain("200 OK");
  }
  await readToEnd(socket);
  expect(socket.closed).toBe(true);
});

test("a handler that fails outside the API is a 500 in the API's body, without its reason", async () => {
  const server = await serveTaskApi(() => Promise.reject(new Error("password=hunter2")), {
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(() => server.close());
  const answer = await fetch(server.url);
  expect(answer.status).toBe(500);
  const { error } = ErrorBody.parse(await answer.json());
  expect(error.message).not.toContain("hunter2");
});

test("a port that is taken rejects with the system's reason", async () => {
  await expect(
    serveTaskApi(async () => new Response(null), { host: "127.0.0.1", port: sharedPort }),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("closing ends connections that are waiting or streaming", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const server = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const port = Number(new URL(server.url).port);
  const sockets = [await openSocket(port), await openSocket(port)];
  const paths = ["result", "events"];
  for (const [index, socket] of sockets.entries()) {
    socket.write(
      `GET /v1/tasks/runs/${run.run_id}/${paths[index]} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
  }
  const ended = sockets.map((socket) => readToEnd(socket));
  await expect
    .poll(async () => (await engine.fetch(new Request("http://e/metrics"))).text())
    .toContain("task_run_open_streams 1");
  await server.close();
  await Promise.all(ended);
});

test("an engine that closes tells whoever waits that the run is still active", async () => {
  const started = deferred();
  const engine = await startTestEngine(({ signal }) => {
    started.resolve();
    return untilAborted(signal);
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await started.promise;
  const waiting = call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=60`);
  // It waits once a question that came after it has been answered.
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=0`);
  await engine.close();
  expect((await waiting).status).toBe(408);
});
