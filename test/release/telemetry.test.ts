import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { startEngineServer } from "../client/loopback-server.ts";
import { startTestEngine, temporaryFolder, textResult } from "../engine/start-test-engine.ts";
import { post, toolCall } from "../transports/start-http.ts";
import { firstLine, launch } from "../e2e/built-binary.ts";
import { CLIENT, SERVER, type Span, startCollector } from "../e2e/collector.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACE = {
  traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
  tracestate: "vendor=opaque",
  baggage: "team=blue",
};
/** In everything that nobody may find in a span. */
const MARK = "mrk7f3a9c";
const KEY = `key-${MARK}-of-the-account`;
const QUESTION = { input: `What is ${MARK}?`, wait_seconds: 20 };

/** The engine on a port, and the headers of what it was asked. */
async function startBackend() {
  const engine = await startTestEngine(async () => textResult(`The answer is ${MARK}.`));
  const asked: IncomingHttpHeaders[] = [];
  const { url, requests } = await startEngineServer(engine, (request) => {
    asked.push(request.headers);
    return false;
  });
  return { url, asked, requests };
}

interface Program {
  /** Sends one request and resolves to the line or body that answers it. */
  ask(request: object): Promise<string>;
  /** Ends it the way its host would; resolves to its exit code and its log. */
  end(): Promise<{ code: unknown; log: string[] }>;
}

type Start = (env: Record<string, string>) => Promise<Program>;

function exitOf(child: ReturnType<typeof launch>) {
  if (child.stderr === null) throw new Error("The process has no stderr");
  const log = text(child.stderr);
  const exited = once(child, "exit");
  return async () => {
    const [code] = await exited;
    return { code, log: (await log).split("\n").filter((line) => line !== "") };
  };
}

const startStdio: Start = async (env) => {
  const child = launch({ stateDir: await temporaryFolder(), env });
  const ended = exitOf(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const send = (message: object) => child.stdin?.write(`${JSON.stringify(message)}\n`);
  const ask = async (request: object) => {
    send(request);
    const { value } = await lines.next();
    return String(value);
  };
  await ask({
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    },
  });
  send({ jsonrpc: "2.0", method: "notifications/initialized" });
  return {
    ask,
    end() {
      child.stdin?.end();
      return ended();
    },
  };
};

const startHttp: Start = async (env) => {
  const child = launch({
    args: ["http", "--port", "0", "--drain-seconds", "2"],
    stateDir: await temporaryFolder(),
    env,
  });
  const ended = exitOf(child);
  const url = await firstLine(child);
  return {
    ask: async (request) => (await post(url, request)).text(),
    end() {
      child.kill("SIGTERM");
      return ended();
    },
  };
};

const TRANSPORTS: [string, Start, string][] = [
  ["stdio", startStdio, "pipe"],
  ["HTTP", startHttp, "tcp"],
];

function inTrace(name: string, args: Record<string, unknown>) {
  const call = toolCall(name, args);
  return { ...call, params: { ...call.params, _meta: TRACE } };
}

const envOf = (backendUrl: string, collectorUrl: string) => ({
  PARALLEL_BASE_URL: backendUrl,
  PARALLEL_API_KEY: KEY,
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  TASK_RUN_MCP_LOG_LEVEL: "warn",
});

const spanOf = (traceparent: unknown) => String(traceparent).split("-")[2];
const named = (spans: Span[], name: string) => spans.filter((span) => span.name === name);

describe.each(TRANSPORTS)("over %s", (_name, start, transport) => {
  test("a call is a span in its caller's trace, and each request to the backend a span in the call's", async () => {
    const backend = await startBackend();
    const collector = await startCollector();
    const program = await start({
      ...envOf(backend.url, collector.url),
      OTEL_EXPORTER_OTLP_HEADERS: `api-key=${KEY}-of-the-collector`,
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    });
    expect(await program.ask(inTrace("create_task_run", QUESTION))).toContain(MARK);
    expect(await program.end()).toEqual({ code: 0, log: [] });

    const [server, ...others] = collector.spans().filter(({ kind }) => kind === SERVER);
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      name: "tools/call create_task_run",
      traceId: TRACE_ID,
      parentSpanId: "b7ad6b7169203331",
      attributes: {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "create_task_run",
        "gen_ai.operation.name": "execute_tool",
        "jsonrpc.request.id": "1",
        "network.transport": transport,
      },
      status: { code: 0 },
    });

    const clients = collector.spans().filter(({ kind }) => kind === CLIENT);
    expect(new Set(clients.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    expect(new Set(clients.map(({ parentSpanId }) => parentSpanId))).toEqual(
      new Set([server?.spanId]),
    );
    expect(named(clients, "POST /v1/tasks/runs")[0]?.attributes).toEqual({
      "http.request.method": "POST",
      "url.template": "/v1/tasks/runs",
      "server.address": "127.0.0.1",
      "server.port": new URL(backend.url).port,
      "http.response.status_code": "202",
    });
    const templates = new Set(clients.map(({ attributes }) => attributes["url.template"]));
    for (const template of templates)
      expect(template).toMatch(/^(?:\/v1[a-z]*|\/[a-z]+|\/\{run_id\})+$/);

    // Each of them is the parent of what the backend does for it.
    expect(new Set(backend.asked.map(({ traceparent }) => spanOf(traceparent)))).toEqual(
      new Set(clients.map(({ spanId }) => spanId)),
    );
    expect(clients).toHaveLength(backend.asked.length);
    for (const { tracestate, baggage } of backend.asked) {
      expect({ tracestate, baggage }).toEqual({
        tracestate: "vendor=opaque",
        baggage: "team=blue",
      });
    }

    expect(collector.resource()).toMatchObject({
      "service.name": "task-run-mcp",
      "deployment.environment.name": "test",
    });
    for (const { path, headers, body } of collector.exports) {
      expect(path).toBe("/v1/traces");
      expect(headers["api-key"]).toBe(`${KEY}-of-the-collector`);
      expect(body).not.toContain(MARK);
      expect(body).not.toContain("trun_");
    }
  });

  test("what failed says how, and not what was asked", async () => {
    const backend = await startBackend();
    const collector = await startCollector();
    const program = await start(envOf(backend.url, collector.url));
    const answer = await program.ask(toolCall("get_task_run", { run_id: `trun_${MARK}` }));
    expect(answer).toContain('"isError":true');
    await program.end();
    const server = collector.spans().find(({ kind }) => kind === SERVER);
    expect(server).toMatchObject({
      name: "tools/call get_task_run",
      parentSpanId: "",
      status: { code: 2 },
      attributes: { "error.type": "tool_error" },
    });
    expect(named(collector.spans(), "GET /v1/tasks/runs/{run_id}")[0]).toMatchObject({
      traceId: server?.traceId,
      status: { code: 2 },
      attributes: { "error.type": "404", "http.response.status_code": "404" },
    });
    expect(JSON.stringify(collector.exports)).not.toContain(MARK);
  });

  test.each<[string, () => Promise<string>]>([
    ["is away", async () => "http://127.0.0.1:1"],
    ["never answers", async () => (await startCollector(null)).url],
    ["refuses all of it", async () => (await startCollector(400)).url],
  ])("a collector that %s costs one line in the log, and no time", async (_trouble, collect) => {
    const backend = await startBackend();
    const collector = await collect();
    const program = await start({
      ...envOf(backend.url, collector),
      // Many batches, each of which fails.
      OTEL_BSP_SCHEDULE_DELAY: "1",
      OTEL_EXPORTER_OTLP_TIMEOUT: "60000",
    });
    for (let id = 1; id <= 5; id += 1) {
      const answer = await program.ask(toolCall("create_task_run", QUESTION, id));
      expect(answer).toContain('"status":"completed"');
    }
    const endedMs = performance.now();
    const { code, log } = await program.end();
    expect(code).toBe(0);
    // Far less than the exporter's own time limit.
    expect(performance.now() - endedMs).toBeLessThan(50_000);
    expect(log).toHaveLength(1);
    expect(log.join()).not.toContain(MARK);
  });
});

test("how much is sampled, how spans are sent and whose they are, the standard variables say", async () => {
  const backend = await startBackend();
  const collector = await startCollector();
  const env = { ...envOf(backend.url, collector.url), OTEL_SERVICE_NAME: "research" };

  const silent = await startStdio({ ...env, OTEL_TRACES_SAMPLER: "always_off" });
  await silent.ask(inTrace("create_task_run", QUESTION));
  await silent.end();
  expect(collector.exports).toEqual([]);
  expect(backend.asked[0]?.["traceparent"]).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));

  // Protobuf is the specification's default.
  const { OTEL_EXPORTER_OTLP_PROTOCOL: _, ...byDefault } = env;
  const inProtobuf = await startStdio(byDefault);
  await inProtobuf.ask(inTrace("create_task_run", QUESTION));
  await inProtobuf.end();
  const [sent] = collector.exports;
  expect(sent?.headers["content-type"]).toBe("application/x-protobuf");
  expect(sent?.body).toContain("tools/call create_task_run");
  expect(sent?.body).toContain("research");
});

test("an HTTP request's own headers tell of the trace where the call says nothing", async () => {
  const backend = await startBackend();
  const collector = await startCollector();
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...env } = envOf(backend.url, collector.url);
  const child = launch({
    args: ["http", "--port", "0"],
    stateDir: await temporaryFolder(),
    env: { ...env, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/traces-here` },
  });
  const ended = exitOf(child);
  const url = await firstLine(child);
  await (await post(url, toolCall("create_task_run", QUESTION), TRACE)).text();
  child.kill("SIGTERM");
  await ended();
  expect(collector.exports[0]?.path).toBe("/traces-here");
  expect(named(collector.spans(), "tools/call create_task_run")[0]).toMatchObject({
    traceId: TRACE_ID,
    parentSpanId: "b7ad6b7169203331",
  });
});

/** Every script that a process has loaded. */
async function loadedScripts(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((one) =>
    [...one.matchAll(/"url":"file:\/\/([^"]+)"/g)].map(([, url]) => url ?? ""),
  );
}

test.each<[string, Record<string, string>, string?]>([
  ["no variable is set", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
  ["the SDK is disabled", { OTEL_SDK_DISABLED: "true" }],
  ["traces go nowhere", { OTEL_TRACES_EXPORTER: "none" }],
  ["only gRPC will do", { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "http/protobuf"],
])("nothing is sent, and nothing of OpenTelemetry loaded, when %s", async (_name, env, said) => {
  const backend = await startBackend();
  const collector = await startCollector();
  const coverage = await temporaryFolder();
  const program = await startStdio({
    ...envOf(backend.url, collector.url),
    ...env,
    NODE_V8_COVERAGE: coverage,
  });
  await program.ask(inTrace("create_task_run", QUESTION));
  const { code, log } = await program.end();
  expect(code).toBe(0);
  expect(log).toHaveLength(said === undefined ? 0 : 1);
  if (said !== undefined) expect(log[0]).toContain(said);
  expect(collector.exports).toEqual([]);
  // The caller's trace reaches the backend all the same.
  expect(new Set(backend.asked.map(({ traceparent }) => traceparent))).toEqual(
    new Set([TRACE.traceparent]),
  );
  const scripts = await loadedScripts(coverage);
  expect(scripts.some((path) => path.endsWith("/dist/cli.js"))).toBe(true);
  const withTelemetry = await Promise.all(
    scripts.map(async (path) => /@opentelemetry/.test(await readFile(path, "utf8"))),
  );
  expect(scripts.filter((_path, index) => withTelemetry[index])).toEqual([]);
});
