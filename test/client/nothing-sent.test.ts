import { createServer as createHttpServer } from "node:http";
import { type Server, type Socket, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { BackendTimedOut, BackendUnreachable } from "../../src/client/errors.ts";
import { RequestNotSent } from "../../src/client/http/fetch.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import { deferred } from "../engine/start-test-engine.ts";
import { errorOf } from "./capture.ts";
import { connectOverNetwork, startLoopbackServer } from "./loopback-server.ts";
import { createManualClock } from "./manual-clock.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const once = { ...defaultRetryPolicy, maxAttempts: 1 };

/** A port of the loopback device that does with each connection what the test says. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const createAt = (baseUrl: string) =>
  errorOf(connectOverNetwork({ baseUrl, retryPolicy: once }).createRun(question));

test("a certificate that is not trusted ends the request before it is written", async () => {
  const port = await listen(createTlsServer({ key: KEY, cert: CERTIFICATE }));
  const error = await createAt(`https://localhost:${port}`);
  expect(error).toBeInstanceOf(BackendUnreachable);
  expect(error).toMatchObject({ notProcessed: true });
  expect(String(error)).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
});

test("so does https to a port that speaks http", async () => {
  const port = await listen(createHttpServer((_request, response) => response.end("{}")));
  expect(await createAt(`https://127.0.0.1:${port}`)).toMatchObject({ notProcessed: true });
});

test("so does a reset in the middle of the TLS handshake", async () => {
  const port = await listen(
    createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
  );
  const error = await createAt(`https://127.0.0.1:${port}`);
  expect(error).toMatchObject({ notProcessed: true });
  expect(String(error)).toContain("ECONNRESET");
});

test("the same reset once the request was written leaves its outcome open", async () => {
  const port = await listen(
    createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
  );
  const error = await createAt(`http://127.0.0.1:${port}`);
  expect(error).toMatchObject({ notProcessed: false });
  expect(String(error)).toContain("ECONNRESET");
});

test("so does a reset on a connection that was used before", async () => {
  let requests = 0;
  const { url } = await startLoopbackServer((request, response) => {
    requests += 1;
    if (requests > 1) request.socket.resetAndDestroy();
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(run));
  });
  const run = { run_id: "trun_1", status: "queued", is_active: true, processor: "base" };
  const client = connectOverNetwork({ baseUrl: url, retryPolicy: once });
  await client.retrieveRun("trun_1");
  expect(await errorOf(client.createRun(question))).toMatchObject({ notProcessed: false });
});

test("a redirect is no create: what it points to is not asked", async () => {
  const { url, requests } = await startLoopbackServer((_request, response) =>
    response.writeHead(307, { location: "/elsewhere" }).end(),
  );
  expect(await createAt(url)).toMatchObject({ status: 307, notProcessed: true });
  expect(requests).toEqual(["POST /v1/tasks/runs"]);
});

test("no file descriptor for a socket, or whatever else keeps it from standing, is told by the transport", async () => {
  const emfile = Object.assign(new Error("connect EMFILE 127.0.0.1:80"), { code: "EMFILE" });
  const client = createClient({
    baseUrl: "http://host",
    retryPolicy: once,
    fetch: () => Promise.reject(new RequestNotSent(emfile)),
  });
  const error = await errorOf(client.createRun(question));
  expect(error).toMatchObject({ notProcessed: true });
  expect(String(error)).toContain("The backend cannot be reached (EMFILE).");
});

test("a time limit that passes while the connection is still being made leaves nothing behind", async () => {
  const greeted = deferred();
  const port = await listen(createServer((socket) => socket.once("data", () => greeted.resolve())));
  const clock = createManualClock();
  const client = connectOverNetwork({ baseUrl: `https://127.0.0.1:${port}`, clock });
  const creating = errorOf(client.createRun(question));
  await greeted.promise;
  await clock.until(() => clock.sleepers === 1);
  clock.advance(30_000);
  const error = await creating;
  expect(error).toBeInstanceOf(BackendTimedOut);
  expect(error).toMatchObject({ notProcessed: true });
});

/** Made for this test; nothing trusts it, and it protects nothing. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBEC60sUgrCK/eh6I
ZVMSgVVN04nwZWuMJ6NksCtk0OKhRANCAASVhM02nWsk2bwUlfS9hWvj7Y5H3VWY
jwku+6pUGK47q3RKJY+InZ7lpa2L7Dh84uwQ+iYUnjMoHG0SPj3SHUg8
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUChXqPU6lu5b5i97j1MnK8AyEZIAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzE2NDMwM1oYDzIxMjYxMTAz
MTY0MzAzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASVhM02nWsk2bwUlfS9hWvj7Y5H3VWYjwku+6pUGK47q3RKJY+InZ7l
pa2L7Dh84uwQ+iYUnjMoHG0SPj3SHUg8o28wbTAdBgNVHQ4EFgQUwKbaN+r81YHT
BdC932/5ygYoBMUwHwYDVR0jBBgwFoAUwKbaN+r81YHTBdC932/5ygYoBMUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhALLQL+G90wtNQPvPA+I1+DWca9HiXLju8sphLmGQgghiAiEA
/wqHKh8Is+OlQxpLi+VMddudcgAwnNvahkl1Vg4AIio=
-----END CERTIFICATE-----`;
