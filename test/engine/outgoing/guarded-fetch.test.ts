import { once } from "node:events";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createGuardedFetch, OUTGOING_LIMITS } from "../../../src/engine/outgoing/guarded-fetch.ts";
import { BadNetwork } from "../../../src/engine/outgoing/networks.ts";
import {
  AddressRefused,
  HostUnreachable,
  OutgoingClosed,
  RequestInvalid,
  RequestTimedOut,
  ResponseTooLarge,
  TooManyRedirects,
} from "../../../src/engine/outgoing/outgoing-errors.ts";
import { deferred, silentLog } from "../start-test-engine.ts";
import { createGuard, createLoopbackGuard, startServer } from "./guarded-servers.ts";

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("expected a failure");
}

/** A port of 127.0.0.1 on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe("addresses", () => {
  test.each([
    "http://127.0.0.1",
    "http://localhost",
    "http://0x7f000001",
    "http://0x7f.1",
    "http://2130706433",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.0.1.",
    "http://%31%32%37.0.0.1",
    "http://１２７.０.０.１",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::127.0.0.1]",
    "http://[2002:7f00:1::]",
    "http://0.0.0.0",
    "http://[::]",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.8",
    "http://100.64.0.1",
    "http://192.0.2.1",
    "http://[fd00::1]",
    "http://[fe80::1]",
    "https://127.0.0.1",
    "http://93.184.216.34:81",
  ])("%s is refused without a connection", async (url) => {
    const server = await startServer((_request, response) => response.end("secret"));
    const guard = createGuard();
    const withPort = url.includes("/latest") || url.endsWith(":81") ? url : `${url}:${server.port}`;
    const error = await failureOf(guard.fetch(withPort));
    expect(error).toBeInstanceOf(AddressRefused);
    expect(error.message).toContain(
      `The engine does not connect to ${new URL(url).hostname.replace(/[[\]]/g, "")}`,
    );
    expect(error.message).toContain("by CIDR (--allow-networks)");
    expect(server.requests).toHaveLength(0);
    expect(guard.logged.join("")).toContain("refused an outgoing request");
  });

  test("a name is refused when one of its addresses is", async () => {
    const guard = createGuard({
      resolveHost: async () => [
        { address: "93.184.216.34", family: 4 },
        { address: "10.20.30.40", family: 4 },
      ],
    });
    const error = await failureOf(guard.fetch("https://mixed.example/path?key=secret"));
    expect(error).toBeInstanceOf(AddressRefused);
    expect(error.message).toMatch(/connect to mixed\.example: it is in a private network/);
    // Its owner may be testing what our internal names resolve to; the operator may know.
    expect(error.message).not.toContain("10.20.30.40");
    expect(guard.logged.join("")).toContain("10.20.30.40");
    expect(guard.logged.join("")).not.toContain("secret");
  });

  test("a name is resolved once per connection, and each answer is checked (DNS rebinding)", async () => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { connection: "close" }).end("public");
    });
    const answers = ["127.0.0.1", "127.0.0.2"];
    let asked = 0;
    const guard = createGuard({
      allowNetworks: ["127.0.0.1/32"],
      resolveHost: async () => [{ address: answers[asked++] ?? "", family: 4 }],
    });
    const url = `http://rebind.example:${server.port}/`;
    const response = await guard.fetch(url);
    expect(await response.text()).toBe("public");
    expect(asked).toBe(1);
    expect(await failureOf(guard.fetch(url))).toBeInstanceOf(AddressRefused);
    expect(asked).toBe(2);
    expect(server.requests).toHaveLength(1);
  });

  test("an allowed network is reached, by address and by name, and the host name is sent", async () => {
    const server = await startServer((request, response) => response.end(request.headers.host));
    const guard = createGuard({ allowNetworks: ["127.0.0.0/8", "::1/128"] });
    for (const host of ["127.0.0.1", "localhost"]) {
      const response = await guard.fetch(`http://${host}:${server.port}/`);
      expect(await response.text()).toBe(`${host}:${server.port}`);
    }
  });

  test("a name that does not exist, and a closed port, are unreachable; the path stays out of the error", async () => {
    const guard = createGuard({
      allowNetworks: ["127.0.0.1/32"],
      resolveHost: async () => {
        throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
      },
    });
    const unknown = await failureOf(guard.fetch("https://nowhere.example/token-123"));
    expect(unknown).toBeInstanceOf(HostUnreachable);
    expect(unknown.message).toBe("The host nowhere.example was not found");
    const closed = await failureOf(guard.fetch(`http://127.0.0.1:${await freePort()}/token-123`));
    expect(closed).toBeInstanceOf(HostUnreachable);
    expect(closed.message).toMatch(/^127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)$/);

    const blocked = await failureOf(guard.fetch("http://127.0.0.1:6667/"));
    expect(blocked.message).toBe("127.0.0.1:6667 could not be reached (bad port)");
  });

  test("a list that is not CIDR is refused at once", () => {
    expect(() => createGuardedFetch({ allowNetworks: ["10.0.0.1"], log: silentLog })).toThrow(
      BadNetwork,
    );
  });
});

describe("requests", () => {
  test.each(["ftp://example.com/", "file:///etc/passwd", "data:text/plain,x", "not a url", ""])(
    "%j is refused",
    async (url) => {
      expect(await failureOf(createGuard().fetch(url))).toBeInstanceOf(RequestInvalid);
    },
  );

  test("credentials in the URL and headers that cannot be sent are refused without being repeated", async () => {
    const guard = createGuard();
    const inUrl = await failureOf(guard.fetch("https://user:hunter2@example.com/"));
    expect(inUrl).toBeInstanceOf(RequestInvalid);
    const headers = { authorization: "Bearer hunter2\r\nx: y" };
    const inHeader = await failureOf(guard.fetch("https://example.com/", { headers }));
    expect(inHeader).toBeInstanceOf(RequestInvalid);
    expect(`${inUrl.message}${inUrl.stack}${inHeader.message}${inHeader.stack}`).not.toContain(
      "hunter2",
    );
    expect(inHeader.cause).toBeUndefined();
  });

  test("method, headers and body arrive, and the answer comes back whole", async () => {
    const server = await startServer((request, response) => {
      response.writeHead(201, {
        "x-seen": `${request.method} ${String(request.headers["x-key"])}`,
      });
      request.pipe(response);
    });
    const response = await createLoopbackGuard().fetch(`${server.url}/hook`, {
      method: "POST",
      headers: { "x-key": "1", "content-type": "application/json" },
      body: '{"a":1}',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-seen")).toBe("POST 1");
    expect(await response.json()).toEqual({ a: 1 });
  });

  test("an answer without a body is one", async () => {
    const server = await startServer((_request, response) => response.writeHead(204).end());
    const response = await createLoopbackGuard().fetch(server.url);
    expect([response.status, response.body]).toEqual([204, null]);
  });
});

describe("redirects", () => {
  test("are the answer unless the caller wants them followed", async () => {
    const server = await startServer((_request, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    );
    const response = await createLoopbackGuard().fetch(server.url);
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("http://169.254.169.254/");
  });

  test.each([
    "http://127.0.0.2/",
    "http://169.254.169.254/",
    "http://[::1]/",
    "//internal.example:8080/",
  ])("to %s are refused", async (location) => {
    const server = await startServer((_request, response) =>
      response.writeHead(307, { location }).end(),
    );
    const guard = createGuard({
      allowNetworks: ["127.0.0.1/32"],
      resolveHost: async () => [{ address: "127.0.0.3", family: 4 }],
    });
    const error = await failureOf(guard.fetch(server.url, { followRedirects: true }));
    expect(error).toBeInstanceOf(AddressRefused);
    expect(server.requests).toHaveLength(1);
  });

  test("to another scheme, or with credentials in the URL, are refused", async () => {
    for (const location of ["file:///etc/passwd", "http://a:b@127.0.0.1/"]) {
      const server = await startServer((_request, response) =>
        response.writeHead(302, { location }).end(),
      );
      const error = await failureOf(
        createLoopbackGuard().fetch(server.url, { followRedirects: true }),
      );
      expect(error).toBeInstanceOf(RequestInvalid);
    }
  });

  test("within an origin keep all headers, and to another one only harmless ones", async () => {
    const target = await startServer((_request, response) => response.end("there"));
    const server = await startServer((request, response) => {
      const location = request.url === "/first" ? "/second" : `${target.url}/`;
      response.writeHead(302, { location }).end();
    });
    const response = await createLoopbackGuard().fetch(`${server.url}/first`, {
      headers: { authorization: "Bearer s", cookie: "c", "x-api-key": "k", accept: "text/plain" },
      followRedirects: true,
    });
    expect(await response.text()).toBe("there");
    expect(server.requests.map(({ headers }) => headers["x-api-key"])).toEqual(["k", "k"]);
    const [arrived] = target.requests;
    expect(arrived?.headers).toMatchObject({ accept: "text/plain" });
    for (const name of ["authorization", "cookie", "x-api-key"]) {
      expect(arrived?.headers).not.toHaveProperty(name);
    }
  });

  test.each([
    [302, "POST", "GET "],
    [303, "PUT", "GET "],
    [307, "POST", "POST body"],
    [308, "PUT", "PUT body"],
  ])("with status %i turn %s into %j", async (status, method, expected) => {
    const server = await startServer((request, response) => {
      if (request.url !== "/end")
        return void response.writeHead(status, { location: "/end" }).end();
      response.write(`${request.method} `);
      return void request.pipe(response);
    });
    const response = await createLoopbackGuard().fetch(server.url, {
      method,
      body: "body",
      followRedirects: true,
    });
    expect(await response.text()).toBe(expected);
  });

  test("are followed five times, not more", async () => {
    const server = await startServer((_request, response) =>
      response.writeHead(302, { location: "/again" }).end(),
    );
    const error = await failureOf(
      createLoopbackGuard().fetch(server.url, { followRedirects: true }),
    );
    expect(error).toBeInstanceOf(TooManyRedirects);
    expect(server.requests).toHaveLength(1 + OUTGOING_LIMITS.redirects);
  });
});

describe("limits", () => {
  const MIB = 1024 * 1024;

  test("a body that announces too much is not read", async () => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { "content-length": String(5 * MIB) });
      response.write("x");
    });
    const error = await failureOf(createLoopbackGuard().fetch(server.url));
    expect(error).toBeInstanceOf(ResponseTooLarge);
    expect(error.message).toMatch(/^The answer of 127\.0\.0\.1:\d+ is larger than 2097152 bytes$/);
  });

  test("a body without an announced size is read up to the limit, and the connection is closed", async () => {
    const closed = deferred();
    const server = await startServer((_request, response) => {
      response.on("close", () => closed.resolve());
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(64 * 1024)));
      };
      response.on("drain", more);
      more();
    });
    const response = await createLoopbackGuard().fetch(server.url, { maxResponseBytes: MIB });
    expect(await failureOf(response.text())).toBeInstanceOf(ResponseTooLarge);
    await closed.promise;
  });

  test("a body of exactly the limit is read", async () => {
    const server = await startServer((_request, response) => response.end("x".repeat(1000)));
    const response = await createLoopbackGuard().fetch(server.url, { maxResponseBytes: 1000 });
    expect(await response.text()).toHaveLength(1000);
  });

  test.each(["gzip", "gzip, gzip"])(
    "a decompression bomb (%s) is cut at the limit",
    async (encoding) => {
      let bomb = gzipSync(Buffer.alloc(64 * MIB));
      if (encoding !== "gzip") bomb = gzipSync(bomb);
      const server = await startServer((_request, response) =>
        response.writeHead(200, { "content-encoding": encoding }).end(bomb),
      );
      const response = await createLoopbackGuard().fetch(server.url);
      expect(await failureOf(response.text())).toBeInstanceOf(ResponseTooLarge);
    },
  );

  test("an endless body that decompresses to nothing ends, too", async () => {
    const nothing = Buffer.concat(Array.from({ length: 4_000 }, () => gzipSync("")));
    const server = await startServer((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      const more = () => {
        while (!response.destroyed && response.write(nothing));
      };
      response.on("drain", more);
      more();
    });
    const response = await createLoopbackGuard().fetch(server.url);
    expect(await failureOf(response.text())).toBeInstanceOf(ResponseTooLarge);
  });

  test("a server that never answers, and one that drips, run out of time", async () => {
    const silent = await startServer(() => {});
    const late = await failureOf(createLoopbackGuard().fetch(silent.url, { timeoutMs: 50 }));
    expect(late).toBeInstanceOf(RequestTimedOut);
    expect(late.message).toMatch(/did not answer completely within 0\.05 s/);

    const dripping = await startServer((_request, response) => {
      response.write(".");
      const timer = setInterval(() => response.write("."), 10);
      response.on("close", () => clearInterval(timer));
    });
    const response = await createLoopbackGuard().fetch(dripping.url, { timeoutMs: 100 });
    expect(await failureOf(response.text())).toBeInstanceOf(RequestTimedOut);
  });

  test("a body that is not read is dropped when its time is up", async () => {
    const server = await startServer((_request, response) => void response.write("."));
    const response = await createLoopbackGuard().fetch(server.url, { timeoutMs: 2_000 });
    expect(response.status).toBe(200);
    const [request] = server.requests;
    if (request === undefined) throw new Error("no request");
    await once(request.socket, "close");
  });
});

describe("ending", () => {
  test("the caller's signal ends the request and the reading, with its reason", async () => {
    const server = await startServer((request, response) => {
      if (request.url === "/body") response.write(".");
    });
    const guard = createLoopbackGuard();
    const reason = new Error("cancelled");

    const early = new AbortController();
    early.abort(reason);
    await expect(guard.fetch(server.url, { signal: early.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);

    const before = new AbortController();
    const waiting = guard.fetch(server.url, { signal: before.signal });
    before.abort(reason);
    await expect(waiting).rejects.toBe(reason);

    const during = new AbortController();
    const response = await guard.fetch(`${server.url}/body`, { signal: during.signal });
    const reading = response.text();
    during.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  test("close ends what is under way and refuses what comes later", async () => {
    const server = await startServer((request, response) => {
      if (request.url === "/body") response.write(".");
    });
    const guard = createLoopbackGuard();
    const response = await guard.fetch(`${server.url}/body`);
    const reading = failureOf(response.text());
    const waiting = failureOf(guard.fetch(server.url));
    await guard.close();
    expect(await reading).toBeInstanceOf(OutgoingClosed);
    expect(await waiting).toBeInstanceOf(OutgoingClosed);
    expect(await failureOf(guard.fetch(server.url))).toBeInstanceOf(OutgoingClosed);
  });
});
