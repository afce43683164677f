import { randomUUID } from "node:crypto";
import { McpServer as V1Server } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { MAX_RECORDED_CHARS } from "../../../src/engine/mcp-servers/limits.ts";
import type { RunMcpServers } from "../../../src/engine/mcp-servers/run-mcp-servers.ts";
import { McpToolCall } from "../../../src/task-api/output.ts";
import { McpServerEntry } from "../../../src/task-api/run-input.ts";
import { RunWarning } from "../../../src/task-api/run.ts";
import { startServer } from "../outgoing/guarded-servers.ts";
import { createLog } from "../sources/document-fixtures.ts";
import { deferred } from "../start-test-engine.ts";
import { createOpenMcpServers, startMcpServer, type TestTool } from "./mcp-fixtures.ts";

const search: TestTool = { name: "search", answer: (question) => `found: ${question}` };
const never = new AbortController().signal;

type GivenEntry = Partial<McpServerEntry> & { url: string };

async function open(
  entries: GivenEntry[],
  options: Parameters<typeof createOpenMcpServers>[0] & { signal?: AbortSignal } = {},
): Promise<RunMcpServers> {
  const parsed = entries.map((entry) => McpServerEntry.parse({ name: "demo", ...entry }));
  const opened = await createOpenMcpServers(options)(parsed, options.signal ?? never);
  onTestFinished(() => opened.close());
  for (const warning of opened.warnings) RunWarning.parse(warning);
  return opened;
}

async function callFirst(opened: RunMcpServers, args: Record<string, unknown> = { query: "q" }) {
  const [server] = opened.servers;
  const [tool] = server?.tools ?? [];
  if (server === undefined || tool === undefined) throw new Error("no tool");
  const outcome = await server.call(tool, args);
  McpToolCall.parse(outcome.record);
  return outcome;
}

describe("a server of today's protocol", () => {
  test("lists its tools, is called, and the call is recorded", async () => {
    const { endpoint } = await startMcpServer([search, { ...search, name: "save" }]);
    const opened = await open([{ url: `${endpoint}?key=abcdef123456`, name: "demo" }]);
    const [server] = opened.servers;
    expect(opened.warnings).toEqual([]);
    expect(server).toMatchObject({ name: "demo", url: endpoint });
    expect(server?.tools.map((tool) => tool.name)).toEqual(["search", "save"]);
    expect(await callFirst(opened, { query: "who?" })).toEqual({
      record: {
        tool_call_id: expect.stringMatching(/^mcptool_/),
        server_name: "demo",
        tool_name: "search",
        arguments: '{"query":"who?"}',
        content: "found: who?",
        error: null,
      },
      texts: [{ text: "found: who?", url: null }],
      warning: null,
    });
  });

  test("gets the run's headers with every request, also those that the protocol sets itself", async () => {
    const server = await startMcpServer([search], { requiredKey: "k-1234567" });
    const headers = { "X-Api-Key": "k-1234567", Accept: "text/html", "mcp-method": "tools/delete" };
    const { record } = await callFirst(await open([{ url: server.endpoint, headers }]));
    expect(record.content).toBe("found: q");
    expect(server.requests.length).toBeGreaterThan(2);
    for (const { headers: sent } of server.requests) {
      expect(sent["x-api-key"]).toBe("k-1234567");
      expect(sent.accept).toContain("application/json");
      expect(sent["mcp-method"]).not.toBe("tools/delete");
    }
  });
});

test("a server of the protocol of 2025, with sessions, is called and its session ended", async () => {
  const ended = deferred();
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const server = await startServer((request, response) => {
    const id = String(request.headers["mcp-session-id"] ?? "");
    if (request.method === "DELETE") ended.resolve();
    void (async () => {
      const transport =
        transports.get(id) ??
        new StreamableHTTPServerTransport({
          sessionIdGenerator: () => randomUUID(),
          onsessioninitialized: (session) => void transports.set(session, transport),
        });
      if (!transports.has(id)) {
        const mcp = new V1Server({ name: "old", version: "1" });
        mcp.registerTool("search", { inputSchema: { query: z.string() } }, ({ query }) => ({
          content: [{ type: "text", text: `old: ${query}` }],
        }));
        // The SDK's own type of a transport does not pass `exactOptionalPropertyTypes`.
        await mcp.server.connect(Object.assign(transport, {}));
      }
      await transport.handleRequest(request, response);
    })();
  });
  const opened = await open([{ url: `${server.url}/mcp` }]);
  expect((await callFirst(opened)).record.content).toBe("old: q");
  await opened.close();
  await ended.promise;
});

describe("allowed_tools", () => {
  test("leaves out every other tool, and warns of names that do not exist", async () => {
    const { endpoint } = await startMcpServer([search, { ...search, name: "find" }]);
    const opened = await open([{ url: endpoint, allowed_tools: ["find", "seek"] }]);
    expect(opened.servers[0]?.tools).toMatchObject([{ name: "find", isAllowedByName: true }]);
    expect(opened.warnings.map(({ message }) => message)).toEqual([
      "MCP server demo has no tool named seek; allowed_tools lists it.",
    ]);
  });

  test("an empty list allows none, null allows all", async () => {
    const { endpoint } = await startMcpServer([search]);
    const opened = await open([
      { url: endpoint, allowed_tools: [] },
      { url: endpoint, allowed_tools: null },
    ]);
    expect(opened.servers.map(({ tools }) => tools.length)).toEqual([0, 1]);
  });
});

describe("a server that fails is a warning", () => {
  const form =
    /^Error listing tools from MCP server demo: (.*)\. Server details: Name: demo, URL: (\S+), Headers: (\{.*\})\. Reference ID: [\da-f-]{36}$/;

  test("in the form of the API, and the others are used", async () => {
    const good = await startMcpServer([search]);
    const bad = await startServer((_request, response) =>
      response.writeHead(502, "Bad Gateway").end("<html>secrets of the gateway</html>"),
    );
    const opened = await open([
      { url: `${bad.url}/mcp?token=t0ken-t0ken`, headers: { "x-api-key": "hunter2" } },
      { url: good.endpoint },
    ]);
    expect(opened.servers).toHaveLength(1);
    expect(opened.warnings).toHaveLength(1);
    expect(form.exec(opened.warnings[0]?.message ?? "")?.slice(1)).toEqual([
      "502 Bad Gateway",
      `${bad.url}/mcp`,
      '{"x-api-key":"REDACTED"}',
    ]);
    expect(opened.warnings[0]).toMatchObject({ type: "warning", detail: {} });
  });

  test.each([
    [
      "http://169.254.169.254/latest/meta-data",
      /does not connect to 169\.254\.169\.254: it is a link-local/,
    ],
    ["http://10.0.0.1:8080/mcp", /does not connect to 10\.0\.0\.1: it is in a private network/],
    ["http://[::ffff:127.0.0.1]/mcp", /it is an IPv4 address in IPv6 form/],
    ["http://user:hunter2@127.0.0.1/mcp", /holds a user name or password/],
  ])("%s is refused", async (url, reason) => {
    const { warnings, servers } = await open([{ url }]);
    expect(servers).toEqual([]);
    expect(warnings[0]?.message).toMatch(reason);
    expect(warnings[0]?.message).not.toContain("hunter2");
  });

  test("a redirect to an internal address is not followed", async () => {
    const { url, requests } = await startServer((_request, response) =>
      response.writeHead(307, { location: "http://169.254.169.254/x?token=abcd" }).end(),
    );
    const { warnings } = await open([{ url }]);
    expect(warnings[0]?.message).toMatch(/307 Temporary Redirect: Redirect to .* not followed/);
    expect(warnings[0]?.message).not.toContain("abcd");
    expect(requests.length).toBeGreaterThan(0);
  });

  test("one that never answers is given up, and one that is not MCP is said to be wrong", async () => {
    const silent = await startServer(() => {});
    const page = await startServer((_request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
    );
    const { warnings } = await open([{ url: silent.url }, { url: page.url }], {
      limits: { connectMs: 150 },
    });
    expect(warnings[0]?.message).toMatch(/did not answer completely within 0\.15 s/);
    expect(warnings[1]?.message).toMatch(/Unexpected content type: text\/html/);
  });

  test("a header that cannot be sent is not repeated", async () => {
    const { endpoint } = await startMcpServer([search]);
    const headers = { authorization: "Bearer hunter2\r\nx: y" };
    const { log, messages } = createLog();
    const { warnings } = await open([{ url: endpoint, headers }], { log });
    expect(warnings[0]?.message).toMatch(/A header for 127\.0\.0\.1:\d+ has a name or value/);
    expect(JSON.stringify([warnings, messages])).not.toContain("hunter2");
  });
});

describe("a call that fails is recorded with its error, and is a warning", () => {
  test.each<[string, TestTool["answer"], RegExp]>([
    [
      "says that it failed",
      () => ({ content: [{ type: "text", text: "quota is used up" }], isError: true }),
      /^quota is used up$/,
    ],
    [
      "says nothing",
      () => ({ content: [], isError: true }),
      /^The tool failed without saying why$/,
    ],
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      /boom/,
    ],
    ["hangs", () => new Promise(() => {}), /did not answer completely within 0\.2 s/],
    ["sends 5 MB", () => "x".repeat(5_000_000), /is larger than 2097152 bytes/],
  ])("when the tool %s", async (_case, answer, error) => {
    const { endpoint } = await startMcpServer([{ name: "search", answer }]);
    const limits = _case === "hangs" ? { callMs: 200 } : {};
    const { record, texts, warning } = await callFirst(await open([{ url: endpoint }], { limits }));
    expect(record).toMatchObject({ content: null, error: expect.stringMatching(error) });
    expect(texts).toEqual([]);
    expect(warning?.message).toMatch(
      /^Error calling tool search of MCP server demo: .* Reference ID: /,
    );
  });

  test("when the connection breaks in the middle of an event stream", async () => {
    const healthy = await startMcpServer([search]);
    const server = await startServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        if (body.includes('"tools/call"')) {
          response.writeHead(200, { "content-type": "text/event-stream" }).write("event: mess");
          return void setImmediate(() => response.destroy());
        }
        const { accept = "", "content-type": type = "", "mcp-method": method } = request.headers;
        const version = String(request.headers["mcp-protocol-version"]);
        return void fetch(healthy.endpoint, {
          method: "POST",
          headers: {
            accept,
            "content-type": type,
            "mcp-method": String(method),
            "mcp-protocol-version": version,
          },
          body,
        }).then(async (answer) => {
          response.writeHead(answer.status, {
            "content-type": answer.headers.get("content-type") ?? "",
          });
          response.end(await answer.text());
        });
      });
    });
    const opened = await open([{ url: server.url }], { limits: { callMs: 5_000 } });
    const { record } = await callFirst(opened);
    expect(record.error).toMatch(/could not be reached|closed|disconnected/i);
  });
});

describe("secrets", () => {
  test("that a server repeats do not come back, in errors, results or the log", async () => {
    const headers = {
      authorization: "Bearer s3cret-token-1",
      "x-region": "Germany",
      "x-pin": "0042",
    };
    const { log, messages } = createLog();
    const server = await startMcpServer([
      {
        name: "search",
        answer: (question) =>
          question === "fail"
            ? {
                content: [{ type: "text", text: "bad s3cret-\u200btoken-1, pin 0042" }],
                isError: true,
              }
            : "Germany knows s3cret-token-1 and key-from-url-1",
      },
    ]);
    const opened = await open([{ url: `${server.endpoint}?api_key=key-from-url-1`, headers }], {
      log,
    });
    const good = await callFirst(opened);
    expect(good.record.content).toBe("Germany knows [redacted] and [redacted]");
    const failed = await callFirst(opened, { query: "fail" });
    expect(failed.record.error).toBe("bad [redacted], pin [redacted]");
    const everything = JSON.stringify([good, failed, opened.warnings, messages]);
    expect(everything).not.toMatch(/s3cret|key-from-url/);
  });
});

describe("results", () => {
  test("are recorded up to a limit and read whole", async () => {
    const text = "x".repeat(MAX_RECORDED_CHARS + 1);
    const { endpoint } = await startMcpServer([{ name: "search", answer: () => text }]);
    const { record, texts } = await callFirst(await open([{ url: endpoint }]));
    expect(record.content).toMatch(/x\n\[cut: the first 50000 of 50001 characters\]$/);
    expect(texts[0]?.text).toHaveLength(MAX_RECORDED_CHARS + 1);
  });

  test("lose control and invisible characters, and keep their lines", async () => {
    const text = "a\u001b[31mb\u0000\r\nc\u202ed\u{e0041}e\u200bf \ud83d\ude00\tg\ud83d";
    const { endpoint } = await startMcpServer([{ name: "search", answer: () => text }]);
    const { record } = await callFirst(await open([{ url: endpoint }]));
    expect(record.content).toBe("ab\ncdef 😀\tg\ufffd");
  });

  test("may be resources, links or structured content; images are left out", async () => {
    const { endpoint } = await startMcpServer([
      {
        name: "search",
        answer: (question) =>
          question === "structured"
            ? { content: [], structuredContent: { gdp: 3 } }
            : {
                content: [
                  { type: "resource", resource: { uri: "https://a.example/", text: "A" } },
                  { type: "resource_link", name: "b", uri: "https://b.example/", description: "B" },
                  { type: "image", data: "AAAA", mimeType: "image/png" },
                ],
              },
      },
    ]);
    const opened = await open([{ url: endpoint }]);
    expect((await callFirst(opened)).texts).toEqual([
      { text: "A", url: "https://a.example/" },
      { text: "B", url: "https://b.example/" },
    ]);
    expect((await callFirst(opened, { query: "structured" })).record.content).toBe('{"gdp":3}');
  });

  test("hints say whether a tool changes things", async () => {
    const tool = (name: string, annotations?: TestTool["annotations"]): TestTool => ({
      ...search,
      name,
      ...(annotations && { annotations }),
    });
    const { endpoint } = await startMcpServer([
      tool("silent"),
      tool("reads", { readOnlyHint: true, destructiveHint: true }),
      tool("writes", { readOnlyHint: false }),
      tool("destroys", { destructiveHint: true }),
    ]);
    const [server] = (await open([{ url: endpoint }])).servers;
    expect(server?.tools.map((each) => each.changesThings)).toEqual([false, false, true, true]);
  });
});

describe("the end of the run", () => {
  test("ends connecting and calling at once, with its reason, and closes the connections", async () => {
    const reason = new Error("cancelled");
    const called = deferred();
    const dropped = deferred();
    const healthy = await startMcpServer([
      {
        name: "search",
        answer: () => {
          called.resolve();
          return new Promise(() => {});
        },
      },
    ]);
    const stop = new AbortController();
    const opened = await open([{ url: healthy.endpoint }], { signal: stop.signal });
    const calling = callFirst(opened);
    await called.promise;
    healthy.requests.at(-1)?.socket.on("close", () => dropped.resolve());
    stop.abort(reason);
    await expect(calling).rejects.toBe(reason);
    await dropped.promise;

    const connecting = deferred();
    const silent = await startServer(() => connecting.resolve());
    const other = new AbortController();
    const opening = open([{ url: silent.url }, { url: healthy.endpoint }], {
      signal: other.signal,
    });
    await connecting.promise;
    other.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await expect(open([{ url: silent.url }], { signal: other.signal })).rejects.toBe(reason);
  });
});
