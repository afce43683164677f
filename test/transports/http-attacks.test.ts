import { createServer } from "node:http";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { exchange, openSocket, parseAnswer, readToEnd } from "../engine/raw-http.ts";
import { startTestEngine, textResult, untilAborted } from "../engine/start-test-engine.ts";
import { HEADERS, TOKENS, modernCall, post, startHttp, tokensOf, toolCall } from "./start-http.ts";

const execute = async () => textResult("ok");
const LIST = toolCall("list_task_runs", {});
/** So short that a test sees them pass; the checks come more often still. */
const impatient = { headersMs: 150, requestMs: 300, checkMs: 30 };

/** The server of every test that needs no settings of its own. */
let sharedUrl: string;
let sharedPort: number;

beforeAll(async () => {
  ({ url: sharedUrl, port: sharedPort } = await startHttp(await startTestEngine(execute)));
});

async function expectAlive(url: string): Promise<void> {
  const answer = await post(url, LIST);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("No run was started yet");
}

describe("a web page in somebody's browser", () => {
  test.each(["https://evil.example", "null", "http://localhost.evil.example", "file://", "x"])(
    "with the origin %s is refused, whatever it knows",
    async (origin) => {
      const answer = await post(sharedUrl, LIST, { origin });
      expect(answer.status).toBe(403);
      expect(answer.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    },
  );

  test("may be one of this machine", async () => {
    expect((await post(sharedUrl, LIST, { origin: "http://localhost:6274" })).status).toBe(200);
  });

  test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "a b", ""])(
    "that reaches us by the name %j is refused",
    async (host) => {
      const answer = await exchange(sharedPort, rawPost("/mcp", JSON.stringify(LIST), { host }));
      expect([400, 403]).toContain(answer.status);
    },
  );

  test("names that the operator allows lead here, and may be origins", async () => {
    const access = { allowedHosts: ["mcp.example.com"] };
    const { port } = await startHttp(await startTestEngine(execute), { access });
    const headers = { host: "mcp.example.com", origin: "https://mcp.example.com" };
    const answer = await exchange(port, rawPost("/mcp", JSON.stringify(LIST), headers));
    expect(answer.status).toBe(200);
  });
});

describe("without a good token", () => {
  test.each([
    ["no token", undefined],
    ["an unknown token", "Bearer not-a-token-of-anybody"],
    ["another scheme", `Basic ${TOKENS.alice}`],
    ["an empty token", "Bearer "],
    ["two tokens", `Bearer ${TOKENS.alice} ${TOKENS.bob}`],
    ["the beginning of a token", `Bearer ${TOKENS.alice.slice(0, -1)}`],
  ])("%s is answered with 401 and a challenge", async (_name, authorization) => {
    const answer = await fetch(sharedUrl, {
      method: "POST",
      headers: { ...HEADERS, ...(authorization && { authorization }) },
      body: JSON.stringify(LIST),
    });
    expect(answer.status).toBe(401);
    const challenge = answer.headers.get("www-authenticate");
    expect(challenge).toMatch(/^Bearer /);
    expect(challenge).toContain('scope="runs:read runs:write"');
    expect(challenge?.includes("invalid_token")).toBe(authorization !== undefined);
    // Static tokens are not OAuth: there is no metadata to look for.
    expect(challenge).not.toContain("resource_metadata");
  });

  test("nothing is read or done: the body may be anything", async () => {
    const answer = await post(sharedUrl, "{".repeat(1_000), {
      authorization: "Bearer nobody-nobody-nob",
    });
    expect(answer.status).toBe(401);
  });
});

describe("a token for reading", () => {
  const authorization = `Bearer ${TOKENS.reader}`;

  test.each(["create_task_run", "cancel_task_run", "create_task_group", "cancel_task_group"])(
    "is told which scopes %s needs, in both eras",
    async (name) => {
      const modern = modernCall(name, {});
      for (const answer of [
        await post(sharedUrl, toolCall(name, {}), { authorization }),
        await post(sharedUrl, [LIST, toolCall(name, {})], { authorization }),
        await post(sharedUrl, modern.body, { ...modern.headers, authorization }),
      ]) {
        expect(answer.status).toBe(403);
        const challenge = answer.headers.get("www-authenticate");
        expect(challenge).toContain('error="insufficient_scope"');
        expect(challenge).toContain('scope="runs:read runs:write"');
      }
    },
  );

  test("sees only the tools that read", async () => {
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    const answer = await (await post(sharedUrl, list, { authorization })).text();
    expect(answer).toContain('"get_task_run"');
    expect(answer).not.toContain('"create_task_run"');
  });
});

describe("every method but POST", () => {
  test.each(["GET", "DELETE", "PUT", "PATCH", "OPTIONS"])(
    "%s is answered with 405 to everybody",
    async (method) => {
      for (const headers of [
        {},
        { accept: "text/event-stream" },
        { authorization: `Bearer ${TOKENS.alice}`, "mcp-session-id": "1", "last-event-id": "1" },
        { "mcp-protocol-version": "2026-07-28" },
      ]) {
        const answer = await fetch(sharedUrl, { method, headers });
        expect(answer.status).toBe(405);
        expect(answer.headers.get("allow")).toBe("POST");
        await answer.text();
      }
    },
  );
});

describe("bodies", () => {
  test.each([
    ["not JSON", "hello", 400],
    ["empty", "", 400],
    ["half of one", '{"jsonrpc":"2.0",', 400],
    ["a number", "42", 400],
    ["null", "null", 400],
    ["no JSON-RPC", '{"a":1}', 400],
    ["an empty batch", "[]", 400],
    ["nested without end", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, 400],
    ["nested without end in arguments", nested(5_000), 400],
    ["a prototype", '{"__proto__":{"jsonrpc":"2.0"},"id":1}', 400],
  ])("%s: refused", async (_name, body, status) => {
    const answer = await post(sharedUrl, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({
      jsonrpc: "2.0",
      error: { code: expect.any(Number) },
    });
    await expectAlive(sharedUrl);
  });

  test("of another media type are refused", async () => {
    expect((await post(sharedUrl, LIST, { "content-type": "text/plain" })).status).toBe(415);
  });

  test("that are too large are refused by their announced and by their real length", async () => {
    const limits = { bodyBytes: 1_000 };
    const { url, port } = await startHttp(await startTestEngine(execute), { limits });
    expect((await post(url, JSON.stringify(LIST).padEnd(2_000))).status).toBe(413);
    const chunks = Array.from({ length: 20 }, () => `64\r\n${" ".repeat(100)}\r\n`).join("");
    const answer = await exchange(
      port,
      `${head("/mcp", { "transfer-encoding": "chunked" })}${chunks}0\r\n\r\n`,
    );
    expect(answer.status).toBe(413);
    await expectAlive(url);
  });
});

test.each([
  ["method", { "mcp-method": "tools/list" }],
  ["name", { "mcp-name": "get_task_run" }],
  ["version", { "mcp-protocol-version": "2025-11-25" }],
])("a %s header that says something else than the body is refused", async (_name, headers) => {
  const call = modernCall("list_task_runs", {});
  expect((await post(sharedUrl, call.body, call.headers)).status).toBe(200);
  const answer = await post(sharedUrl, call.body, { ...call.headers, ...headers });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: expect.any(Number) } });
});

describe("slow and broken connections", () => {
  test("headers byte by byte are answered with 408 and dropped", async () => {
    const { port } = await startHttp(await startTestEngine(execute), { limits: impatient });
    const socket = await openSocket(port);
    socket.write("POST /mcp HTTP/1.1\r\nHost: localhost\r\n");
    const drip = setInterval(() => socket.write("X"), 20);
    onTestFinished(() => clearInterval(drip));
    expect(parseAnswer(await readToEnd(socket)).status).toBe(408);
  });

  test("a body that never ends is dropped", async () => {
    const { url, port } = await startHttp(await startTestEngine(execute), { limits: impatient });
    const socket = await openSocket(port);
    socket.write(`${head("/mcp", { "content-length": "100" })}{`);
    const drip = setInterval(() => socket.write(" "), 40);
    onTestFinished(() => clearInterval(drip));
    expect(parseAnswer(await readToEnd(socket)).status).toBe(408);
    await expectAlive(url);
  });

  test("waiting for an answer is not sending slowly", async () => {
    const engine = await startTestEngine(({ signal }) => untilAborted(signal));
    const { url } = await startHttp(engine, { limits: impatient });
    const answer = await post(url, toolCall("create_task_run", { input: "q", wait_seconds: 1 }));
    expect(await answer.text()).toContain("is_active");
  });

  test.each([
    [
      "headers that are too large",
      `GET /mcp HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(64_000)}\r\n\r\n`,
      431,
    ],
    ["nonsense", "\u0000\u0001\r\n\r\n", 400],
    [
      "two lengths",
      "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
    ],
    [
      "a length and chunks, as in request smuggling",
      "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["no host", "POST /mcp HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ])("%s: answered, and the connection ends", async (_name, text, status) => {
    expect((await exchange(sharedPort, text)).status).toBe(status);
    await expectAlive(sharedUrl);
  });

  test("more connections than allowed are closed, and the others live", async () => {
    const { url, port } = await startHttp(await startTestEngine(execute), {
      limits: { connections: 3 },
    });
    const sockets = await Promise.all([1, 2, 3].map(() => openSocket(port)));
    const fourth = await openSocket(port);
    await readToEnd(fourth);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await post(url, LIST)).status).toBe(200);
  });

  test("a client that does not read what it asked for is dropped", async () => {
    const engine = await startTestEngine(async () => textResult("x".repeat(30_000)));
    const { lines, log } = captureLog();
    const { port } = await startHttp(engine, { limits: { unreadMs: 200 }, log });
    const socket = await openSocket(port);
    socket.pause();
    const body = JSON.stringify(toolCall("create_task_run", { input: "q", wait_seconds: 5 }));
    for (let i = 0; i < 300; i++) socket.write(rawPost("/mcp", body, { connection: "keep-alive" }));
    await expect.poll(() => lines.join("")).toContain("does not read");
  });
});

test("answers carry no banner, and an id that is the caller's if it is one", async () => {
  const answer = await post(sharedUrl, LIST, { "x-request-id": "trace-1.a:b" });
  expect(answer.headers.get("x-request-id")).toBe("trace-1.a:b");
  expect(answer.headers.get("server")).toBeNull();
  expect(answer.headers.get("x-powered-by")).toBeNull();
  const other = await post(sharedUrl, LIST, { "x-request-id": "a b\\{}" });
  expect(other.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
});

test("no log line holds a token, and every line of a request has its id", async () => {
  const { lines, log: logger } = captureLog();
  const { url } = await startHttp(await startTestEngine(execute), { log: logger });
  const id = "request-1";
  await (await post(url, LIST, { "x-request-id": id })).text();
  await post(url, LIST, { authorization: "Bearer wrong-wrong-wrong-wrong" });
  await post(url, toolCall("get_task_run", { run_id: "trun_x" }), { "x-request-id": id });
  await expect.poll(() => lines.filter((line) => line.includes(id)).length).toBeGreaterThan(2);
  const log = lines.join("");
  expect(log).not.toContain(TOKENS.alice);
  expect(log).not.toContain("wrong-wrong");
  expect(log).toContain('"principal":"alice"');
});

test("a key of the caller's own is refused unless the operator allows it", async () => {
  const answer = await post(sharedUrl, LIST, { "x-parallel-api-key": "secret" });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("--allow-key-header");
});

test("the caller's own key reaches the backend, and the token never does", async () => {
  const seen: string[] = [];
  const backend = createServer((request, response) => {
    if (request.method === "POST") seen.push(JSON.stringify(request.headers));
    response.writeHead(401, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void backend.close());
  await once(backend, "listening");
  const address = backend.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const engine = await startTestEngine(execute);
  const { url } = await startHttp(engine, {
    access: { allowKeyHeader: true },
    baseUrl: `http://127.0.0.1:${address.port}`,
  });
  const call = toolCall("create_task_run", { input: "q" });
  await (await post(url, call, { "x-parallel-api-key": "my-own-key" })).text();
  await (await post(url, call)).text();
  expect(seen).toHaveLength(2);
  expect(seen[0]).toContain("my-own-key");
  expect(seen[1]).not.toContain("x-api-key");
  expect(seen.join("")).not.toContain(TOKENS.alice);
});

test("too many requests of one principal are told when to come again; others go on", async () => {
  let now = 0;
  const { url } = await startHttp(await startTestEngine(execute), {
    access: { authenticators: [tokensOf({ requestsPerMinute: 3 })] },
    elapsedMs: () => now,
  });
  for (let i = 0; i < 3; i++) expect((await post(url, LIST)).status).toBe(200);
  const refused = await post(url, LIST);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("20");
  expect((await post(url, LIST, { authorization: `Bearer ${TOKENS.bob}` })).status).toBe(200);
  now += 20_000;
  expect((await post(url, LIST)).status).toBe(200);
  expect((await post(url, [LIST, LIST])).status).toBe(429);
});

test("too many open calls of one principal are refused; they go on when some have ended", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const { url } = await startHttp(engine, { limits: { openCallsPerPrincipal: 2 } });
  const leave = new AbortController();
  const wait = () =>
    fetch(url, {
      method: "POST",
      headers: { ...HEADERS, authorization: `Bearer ${TOKENS.alice}` },
      body: JSON.stringify(toolCall("create_task_run", { input: "q", wait_seconds: 40 })),
      signal: leave.signal,
    });
  await Promise.all([wait(), wait()]);
  const refused = await post(url, LIST);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("10");
  leave.abort();
  await expect.poll(async () => (await post(url, LIST)).status).toBe(200);
});

function captureLog() {
  const lines: string[] = [];
  const output = new PassThrough().on("data", (line: Buffer) => lines.push(line.toString()));
  return { lines, log: pino({ level: "trace" }, output) };
}

function head(path: string, headers: Record<string, string>): string {
  const lines = Object.entries({
    host: "localhost",
    authorization: `Bearer ${TOKENS.alice}`,
    connection: "close",
    ...HEADERS,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function rawPost(path: string, body: string, headers: Record<string, string>): string {
  return head(path, { "content-length": String(Buffer.byteLength(body)), ...headers }) + body;
}

/** Arguments that go many levels down. */
function nested(levels: number): string {
  const call = JSON.stringify(toolCall("create_task_run", { input: "INPUT" }));
  return call.replace('"INPUT"', `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
}
