import { once } from "node:events";
import { pino } from "pino";
import { expect, test } from "vitest";
import { z } from "zod";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { openSocket } from "../engine/raw-http.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { startHttp } from "./start-http.ts";

const engineOf = () => startTestEngine(async () => textResult("ok"));

async function probe(url: string, path = "/readyz") {
  const answer = await fetch(new URL(path, url));
  return { http: answer.status, status: Status.parse(await answer.json()).status };
}

const Status = z.object({ status: z.string() });
const READY = { http: 200, status: "ready" };
const AWAY = { http: 503, status: "backend_unreachable" };

test("ready is who can reach the backend; many probes are one look at it", async () => {
  const lines: string[] = [];
  let answer: number | null = 404;
  const backend = await startLoopbackServer((_request, response) => {
    if (answer === null) response.destroy();
    else response.writeHead(answer, { "content-type": "application/json" }).end("{}");
  });
  let nowMs = 0;
  const { url } = await startHttp(await engineOf(), {
    baseUrl: backend.url,
    limits: { reachedForMs: 5_000 },
    elapsedMs: () => nowMs,
    log: pino({ level: "info" }, { write: (line) => void lines.push(line) }),
  });
  const probes = await Promise.all(Array.from({ length: 50 }, () => probe(url)));
  expect(new Set(probes.map((one) => JSON.stringify(one)))).toEqual(
    new Set([JSON.stringify(READY)]),
  );
  expect(backend.requests).toHaveLength(1);

  answer = null;
  nowMs = 4_999;
  expect(await probe(url)).toEqual(READY);
  nowMs = 5_000;
  expect(await probe(url)).toEqual(AWAY);
  expect(await probe(url)).toEqual(AWAY);
  expect(await probe(url, "/healthz")).toEqual({ http: 200, status: "ok" });
  nowMs = 10_000;
  answer = 503;
  expect(await probe(url)).toEqual(AWAY);
  // It wants another key: calls will say so, and it is there.
  answer = 401;
  nowMs = 15_000;
  expect(await probe(url)).toEqual(READY);
  expect(backend.requests).toHaveLength(4);
  const told = lines.filter((line) => line.includes("ready: the backend"));
  expect(told.map((line) => JSON.parse(line).msg)).toEqual([
    "not ready: the backend cannot be reached",
    "ready: the backend can be reached again",
  ]);
});

test("a backend that takes a connection and says nothing is not waited for", async () => {
  const backend = await startLoopbackServer(() => {});
  const { url } = await startHttp(await engineOf(), {
    baseUrl: backend.url,
    limits: { reachMs: 50 },
  });
  expect(await probe(url)).toEqual(AWAY);
});

test("a server that drains says so to those who are connected", async () => {
  const { url, port, stopListening } = await startHttp(await engineOf());
  expect(await probe(url)).toEqual(READY);
  const socket = await openSocket(port);
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  // The second request has begun when the server drains, and ends afterwards.
  const request = "GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n";
  socket.write(`${request}\r\n${request}`);
  await expect.poll(() => answer).toContain('{"status":"ready"}');
  stopListening();
  socket.write("\r\n");
  await once(socket, "close");
  expect(answer).toContain("HTTP/1.1 503");
  expect(answer).toContain('{"status":"draining"}');
});
