import { once } from "node:events";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { BackendUnreachable } from "../../src/client/errors.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { type Proxies, proxyFor } from "../../src/client/http/proxies.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import { readConfig } from "../../src/config.ts";
import { startEngineServer } from "./loopback-server.ts";
import { errorOf } from "./capture.ts";
import { portOf, startProxy } from "./proxy.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";

const proxiesOf = (env: NodeJS.ProcessEnv) => readConfig({}, env).proxies;

/** A client of the engine under a name that only the proxy can reach. */
async function startBehind(env: NodeJS.ProcessEnv) {
  const engine = await startTestEngine(async () => textResult("Paris"));
  const { url, requests } = await startEngineServer(engine, () => false);
  const network = createUndiciFetch(proxiesOf(env));
  onTestFinished(() => network.close());
  const open = (host: string) =>
    createClient({
      baseUrl: `http://${host}:${new URL(url).port}`,
      fetch: network.fetch,
      retryPolicy: { maxAttempts: 1, budgetMs: 0, firstDelayMs: 0, maxDelayMs: 0, jitter: 0 },
    });
  return { open, requests, port: new URL(url).port };
}

const RUN = { input: "What is the capital?", processor: "base" };

test("http requests reach their server through the proxy in absolute form, with its credentials", async () => {
  const proxy = await startProxy({ credentials: "ada:pass word%" });
  const { open, requests, port } = await startBehind({
    HTTP_PROXY: proxy.url.replace("//", "//ada:pass%20word%25@"),
  });
  const run = await open("engine.example").createRun(RUN);
  expect(run.run_id).toMatch(/^trun_/);
  expect(proxy.asked).toEqual([`POST http://engine.example:${port}/v1/tasks/runs`]);
  expect(requests).toEqual(["POST /v1/tasks/runs"]);
});

test("https requests go through a tunnel, and what the proxy is told is not told to the server", async () => {
  const proxy = await startProxy({ credentials: "ada:hunter2" });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      hello = data;
      socket.destroy();
    });
  });
  let hello = Buffer.alloc(0);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const network = createUndiciFetch(
    proxiesOf({ https_proxy: proxy.url.replace("//", "//ada:hunter2@") }),
  );
  onTestFinished(() => network.close());
  const url = `https://engine.example:${portOf(server.address())}/`;
  await errorOf(network.fetch(url, { method: "GET", headers: {} }));
  expect(proxy.asked).toEqual([`CONNECT ${new URL(url).host}`]);
  // A TLS handshake with the name of the server, and nothing in the clear.
  expect(hello[0]).toBe(22);
  expect(hello.toString("latin1")).toContain("engine.example");
});

test.each([
  ["this machine", "127.0.0.1", ""],
  ["localhost", "localhost", ""],
])("a request to %s goes there directly", async (_name, host, noProxy) => {
  const proxy = await startProxy();
  const { open } = await startBehind({ HTTP_PROXY: proxy.url, NO_PROXY: noProxy });
  await open(host).createRun(RUN);
  expect(proxy.asked).toEqual([]);
});

const CLOSED = "http://127.0.0.1:1";
test.each<[string, NodeJS.ProcessEnv, RegExp]>([
  [
    "is down",
    { HTTP_PROXY: CLOSED, HTTPS_PROXY: CLOSED },
    /^The proxy http:\/\/127\.0\.0\.1:1 \(HTTPS?_PROXY\) cannot be reached \(ECONNREFUSED\)\.$/,
  ],
  [
    "is a SOCKS proxy",
    { HTTP_PROXY: "socks5://ada:hunter2@proxy.example:1080", HTTPS_PROXY: "socks5://p.example" },
    /^HTTPS?_PROXY names a SOCKS proxy, which is not supported; write the URL of an HTTP proxy/,
  ],
  [
    "has no URL",
    { HTTP_PROXY: "http://ada:hunter2@:port", HTTPS_PROXY: "http://[" },
    /^HTTPS?_PROXY is not the URL of a proxy; write the URL of an HTTP proxy/,
  ],
])("a proxy that %s is named, and nothing was sent", async (_name, env, message) => {
  for (const baseUrl of ["http://engine.example", "https://engine.example"]) {
    await expectFailure(env, baseUrl, message);
  }
});

test.each([
  [407, undefined, /wants a user name and a password \(407\): write them into HTTPS?_PROXY/],
  [407, "ada:hunter2", /refuses the user name or the password in HTTPS?_PROXY \(407\)/],
  [403, "ada:hunter2", /does not let requests through to engine\.example:443 \(403\)/],
  [502, "ada:hunter2", /opens no connection to engine\.example:443 \(502\)/],
])(
  "a proxy that answers %i to %s is named, and its credentials are not",
  async (status, credentials, message) => {
    const proxy = await startProxy({ refuseWith: status });
    const url = credentials ? proxy.url.replace("//", `//${credentials}@`) : proxy.url;
    const env = { HTTPS_PROXY: url, HTTP_PROXY: url };
    await expectFailure(env, "https://engine.example", message);
    if (status === 407) await expectFailure(env, "http://engine.example", message);
  },
);

async function expectFailure(env: NodeJS.ProcessEnv, baseUrl: string, message: RegExp) {
  const network = createUndiciFetch(proxiesOf(env));
  onTestFinished(() => network.close());
  const client = createClient({
    baseUrl,
    fetch: network.fetch,
    retryPolicy: { maxAttempts: 1, budgetMs: 0, firstDelayMs: 0, maxDelayMs: 0, jitter: 0 },
  });
  const error = await errorOf(client.createRun(RUN));
  expect(error).toBeInstanceOf(BackendUnreachable);
  expect(error).toMatchObject({
    message: expect.stringMatching(message),
    notProcessed: true,
  });
  expect(describe(error)).not.toMatch(/hunter2|YWRhOmh1bnRlcjI/);
}

/** An error with everything that it carries. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack} ${JSON.stringify(error)} ${describe(error.cause)}`;
}

test.each([
  ["example.com", "https://example.com/", true],
  ["example.com", "https://api.example.com/", true],
  ["example.com", "https://badexample.com/", false],
  [".example.com", "https://api.example.com/", true],
  ["*.example.com", "https://api.example.com/", true],
  ["EXAMPLE.com", "https://api.Example.COM./", true],
  ["example.com:8443", "https://example.com:8443/", true],
  ["example.com:8443", "https://example.com/", false],
  ["example.com:443", "https://example.com/", true],
  ["other.com , example.com", "https://example.com/", true],
  ["other.com example.com", "https://example.com/", true],
  ["*", "https://example.com/", true],
  ["x,*", "https://example.com/", true],
  ["10.0.0.0/8", "http://10.1.2.3/", true],
  ["10.0.0.0/8", "http://11.1.2.3/", false],
  ["10.1.2.3", "http://10.1.2.3:9000/", true],
  ["fd00::/8", "http://[fd00::1]/", true],
  ["fd00::1", "http://[fd00::1]/", true],
  ["[fd00::1]:80", "http://[fd00::1]/", true],
  ["[fd00::1]:81", "http://[fd00::1]/", false],
  ["10.0.0.0/99", "http://10.0.0.1/", false],
  ["", "http://127.9.9.9/", true],
  ["", "http://[::1]:3000/", true],
  ["", "http://localhost:3000/", true],
  ["", "http://app.localhost/", true],
  ["", "http://localhost.example.com/", false],
])("NO_PROXY=%j: %s is reached directly: %s", (noProxy, url, isDirect) => {
  const proxies: Proxies = proxiesOf({ HTTP_PROXY: "http://p.example:3128", NO_PROXY: noProxy });
  expect(proxyFor(new URL(url), proxies) === undefined).toBe(isDirect);
});

test.each([
  [{ HTTP_PROXY: "http://a", http_proxy: "http://b" }, "http://x.example", "http://b"],
  [{ HTTP_PROXY: "http://a", http_proxy: "" }, "http://x.example", "http://a"],
  [{ HTTP_PROXY: "http://a" }, "https://x.example", "http://a"],
  [{ HTTP_PROXY: "http://a", HTTPS_PROXY: "https://c:1" }, "https://x.example", "https://c:1"],
  [{ HTTPS_PROXY: "http://a" }, "http://x.example", undefined],
  [{ HTTP_PROXY: "proxy.example:3128" }, "http://x.example", "http://proxy.example:3128"],
  [{ HTTP_PROXY: "ada:pw@proxy.example:3128" }, "http://x.example", "http://proxy.example:3128"],
])("with %j, %s goes through %s", (env, url, proxy) => {
  expect(proxyFor(new URL(url), proxiesOf(env))?.url).toBe(proxy);
});

test("the password of a proxy is a secret of the configuration", () => {
  const { secrets } = readConfig({}, { HTTPS_PROXY: "http://ada:p%40ss@proxy.example" });
  expect(secrets).toEqual(["p%40ss", "p@ss", Buffer.from("ada:p@ss").toString("base64")]);
});
