import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createEngine, type Engine } from "../../../src/engine/engine.ts";
import type { OpenMcpServers } from "../../../src/engine/research/ask-mcp-servers.ts";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import { TaskRunResult } from "../../../src/task-api/output.ts";
import type { RunInput } from "../../../src/task-api/run-input.ts";
import { TaskRun } from "../../../src/task-api/run.ts";
import { createFolder, createLog } from "../sources/document-fixtures.ts";
import { deferred, temporaryFolder } from "../start-test-engine.ts";
import { startServer } from "../outgoing/guarded-servers.ts";
import { createOpenMcpServers, startMcpServer, type TestTool } from "./mcp-fixtures.ts";

const QUESTION = "How long is the river Zorn?";
const ANSWER = "The river Zorn is 97 kilometres long.";

const river: TestTool = {
  name: "web_search",
  description: "Searches the web",
  answer: (query) =>
    JSON.stringify({
      query,
      results: [
        { title: "River Zorn", url: "https://rivers.example/zorn", text: ANSWER },
        {
          title: "River Moder",
          url: "https://rivers.example/moder",
          text: "The river Moder is 82 kilometres long.",
        },
      ],
    }),
};

interface TestEngine {
  engine: Engine;
  logged: string[];
  create(input: Partial<RunInput>): Promise<string>;
  /** The result of a run, once it ended. */
  ask(input: Partial<RunInput>): Promise<TaskRunResult>;
  messages(runId: string): Promise<string[]>;
}

/** The real engine with the extractive executor over these documents. */
async function startEngine({
  documents = {},
  openMcpServers,
}: {
  documents?: Record<string, string>;
  openMcpServers?: OpenMcpServers;
} = {}): Promise<TestEngine> {
  const folder = await createFolder(documents);
  const { log, messages: logged } = createLog();
  const engine = await createEngine({
    databasePath: join(await temporaryFolder(), "engine.sqlite"),
    createExecutor: ({ db }) =>
      createExtractiveExecutor({ db, folders: [folder], log, openMcpServers }),
    log,
  });
  onTestFinished(() => engine.close());
  const call = (path: string, init?: RequestInit) =>
    engine.fetch(new Request(`http://engine/v1/tasks/runs${path}`, init));

  async function create(input: Partial<RunInput>): Promise<string> {
    const body = JSON.stringify({
      input: QUESTION,
      processor: "core",
      enable_events: true,
      ...input,
    });
    const response = await call("", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(202);
    return TaskRun.parse(await response.json()).run_id;
  }

  async function ask(input: Partial<RunInput>): Promise<TaskRunResult> {
    const runId = await create(input);
    const response = await call(`/${runId}/result?timeout=20`);
    expect(response.status).toBe(200);
    return TaskRunResult.parse(await response.json());
  }

  async function messages(runId: string): Promise<string[]> {
    const stream = await (await call(`/${runId}/events`)).text();
    const Message = z.object({ type: z.string(), message: z.string() });
    return stream
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => Message.safeParse(JSON.parse(line.slice("data: ".length))))
      .flatMap(({ data }) =>
        data === undefined ? [] : [`${data.type.split(".").at(-1)}: ${data.message}`],
      );
  }

  return { engine, logged, create, ask, messages };
}

const server = (url: string, more: object = {}) => ({
  type: "url" as const,
  name: "rivers",
  url,
  ...more,
});

test("a search tool is asked once, its results are quoted with their addresses, and the call is recorded", async () => {
  const mcp = await startMcpServer([{ ...river, name: "fetch", argument: "url" }, river]);
  const { ask, messages } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const { run, output } = await ask({ mcp_servers: [server(mcp.endpoint)] });
  expect(mcp.asked).toEqual([QUESTION]);
  expect(output.content).toMatch(
    /^\[1\] rivers · web_search › River Zorn · .*\n\n> \*\*The river Zorn is 97 kilometres long\.\*\*\n/,
  );
  expect(output.basis[0]?.citations?.[0]).toEqual({
    url: "https://rivers.example/zorn",
    title: "rivers · web_search",
    excerpts: [ANSWER],
  });
  expect(output.mcp_tool_calls).toEqual([
    {
      tool_call_id: expect.any(String),
      server_name: "rivers",
      tool_name: "web_search",
      arguments: JSON.stringify({ query: QUESTION }),
      content: await river.answer(QUESTION),
      error: null,
    },
  ]);
  expect(run.warnings?.map(({ message }) => message)).toEqual([expect.stringMatching(/^No model/)]);
  expect(await messages(run.run_id)).toContain(
    "tool_call: Executing MCP tool call on server rivers with tool web_search.",
  );
});

test("text without an address is cited by the server's, without credentials", async () => {
  const mcp = await startMcpServer([{ name: "search", answer: () => `Found:\n${ANSWER}` }]);
  const { ask } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const { output } = await ask({ mcp_servers: [server(`${mcp.endpoint}?api_key=k3y-k3y-k3y`)] });
  expect(output.basis[0]?.citations).toMatchObject([
    { url: mcp.endpoint, excerpts: [expect.stringContaining(ANSWER)] },
  ]);
  expect(JSON.stringify(output)).not.toContain("k3y");
});

test("results stand beside the folder's documents, and the name of the server is no evidence", async () => {
  const mcp = await startMcpServer([
    { name: "search", answer: () => "It was founded in 1850.\nThe club was founded in 1901." },
  ]);
  const { ask } = await startEngine({
    documents: { "a.md": `# Zorn\n\n${ANSWER}\n` },
    openMcpServers: createOpenMcpServers(),
  });
  const servers = [server(mcp.endpoint, { name: "River Zorn" })];
  const { output } = await ask({ mcp_servers: servers });
  expect(output.content).toContain(ANSWER);
  const founded = await ask({ input: "When was River Zorn founded?", mcp_servers: servers });
  expect(founded.output.content).toMatch(/No passage says it in these words/);
});

test("output fields are filled from results, too", async () => {
  const mcp = await startMcpServer([
    {
      name: "search",
      answer: () =>
        JSON.stringify([{ url: "https://rivers.example/", river: "Zorn", length_km: 97 }]),
    },
  ]);
  const { ask } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const { output } = await ask({
    input: "River Zorn",
    mcp_servers: [server(mcp.endpoint)],
    task_spec: {
      output_schema: {
        type: "json",
        json_schema: {
          type: "object",
          properties: { length_km: { type: "number", description: "Length in km" } },
          required: ["length_km"],
          additionalProperties: false,
        },
      },
    },
  });
  expect(mcp.asked).toEqual(["River Zorn length km"]);
  expect(output.content).toEqual({ length_km: 97 });
  expect(output.basis[0]?.citations?.[0]?.url).toBe("https://rivers.example/");
  expect(output.mcp_tool_calls).toHaveLength(1);
});

test("a tool that repeats the question has not answered it", async () => {
  const mcp = await startMcpServer([
    {
      name: "search",
      answer: (query) => `Search results for "${query}"\n\n${query}\n\nNothing was found.`,
    },
  ]);
  const { ask } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const { output } = await ask({
    input: "What is the GDP of France?",
    mcp_servers: [server(mcp.endpoint)],
  });
  expect(output.content).toMatch(/^No word of the question/);
});

test("source_policy decides about each result", async () => {
  const mcp = await startMcpServer([river]);
  const { ask } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const servers = [server(mcp.endpoint)];
  const allowed = await ask({
    mcp_servers: servers,
    source_policy: { include_domains: ["rivers.example"] },
  });
  expect(allowed.output.content).toContain(ANSWER);
  const refused = await ask({
    mcp_servers: servers,
    source_policy: { exclude_domains: ["rivers.example"] },
  });
  expect(refused.output.content).toMatch(/^There was no document to search/);
  expect(refused.output.mcp_tool_calls).toHaveLength(1);
  expect(refused.run.warnings?.map(({ message }) => message)).toContain(
    "source_policy admits nothing of what MCP server rivers returned; it was not used.",
  );
});

test("servers that fail are warnings, and the run answers from the others", async () => {
  const good = await startMcpServer([river]);
  const failing = await startMcpServer([
    {
      name: "search",
      answer: () => ({ content: [{ type: "text", text: "quota used up" }], isError: true }),
    },
  ]);
  const hanging = await startMcpServer([{ name: "search", answer: () => new Promise(() => {}) }]);
  const huge = await startMcpServer([{ name: "search", answer: () => "x".repeat(5_000_000) }]);
  const locked = await startMcpServer([river], { requiredKey: "k3y-k3y-k3y" });
  const plain = await startMcpServer([{ name: "add", answer: () => "" }]);
  const names = [
    "internal",
    "failing",
    "hanging",
    "huge",
    "locked",
    "unlocked",
    "plain",
    "limited",
  ];
  const urls = [
    "http://169.254.169.254/latest",
    ...[failing, hanging, huge, locked, locked, plain, good].map(({ endpoint }) => endpoint),
  ];
  const more = [
    {},
    {},
    {},
    {},
    { headers: { "X-API-Key": "wr0ng-key-123" } },
    { headers: { "X-API-Key": "k3y-k3y-k3y" } },
    {},
    { allowed_tools: [] },
  ];
  const { ask, create, messages, engine, logged } = await startEngine({
    openMcpServers: createOpenMcpServers({ limits: { callMs: 5_000 } }),
  });
  const mcp_servers = names.map((name, at) => server(urls[at] ?? "", { name, ...more[at] }));
  const { run, output } = await ask({ mcp_servers });
  expect(output.content).toContain(ANSWER);
  expect(output.mcp_tool_calls?.map((call) => [call.server_name, call.error])).toEqual([
    ["failing", "quota used up"],
    ["hanging", expect.stringMatching(/did not answer completely within 5 s/)],
    ["huge", expect.stringMatching(/is larger than 2097152 bytes/)],
    ["unlocked", null],
  ]);
  const warnings = run.warnings?.map(({ message }) => message).join("\n") ?? "";
  for (const expected of [
    /^Error listing tools from MCP server internal: The engine does not connect to 169\.254\.169\.254/m,
    /^Error listing tools from MCP server locked: 401 Unauthorized\. Server details: Name: locked, URL: .*, Headers: \{"X-API-Key":"REDACTED"\}\. Reference ID: /m,
    /^Error calling tool search of MCP server failing: quota used up\. /m,
    /^Error calling tool search of MCP server hanging: /m,
    /^Error calling tool search of MCP server huge: /m,
    /^MCP server plain was not asked: .* Its tools: add\.$/m,
    /^MCP server limited was not asked: .* Its tools: none\.$/m,
  ]) {
    expect(warnings).toMatch(expected);
  }
  expect(good.asked).toEqual([]);

  // No header value in the run, its input, its events or the log.
  const runId = await create({ mcp_servers });
  const input = await engine.fetch(new Request(`http://engine/v1/tasks/runs/${runId}/input`));
  const everything = JSON.stringify([
    run,
    output,
    await input.text(),
    await messages(runId),
    logged,
  ]);
  expect(everything).not.toMatch(/k3y-k3y|wr0ng/);
});

test("an engine that does not connect to MCP servers says so", async () => {
  const mcp = await startMcpServer([river]);
  const { ask } = await startEngine({ documents: { "a.md": ANSWER } });
  const { run, output } = await ask({ mcp_servers: [server(mcp.endpoint)] });
  expect(output.content).toContain(ANSWER);
  expect(output.mcp_tool_calls ?? null).toBeNull();
  expect(mcp.requests).toHaveLength(0);
  expect(run.warnings?.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^mcp_servers were not used/),
  );
});

test("cancelling the run drops the call and its connection", async () => {
  const called = deferred();
  const dropped = deferred();
  const mcp = await startMcpServer([
    {
      name: "search",
      answer: () => {
        called.resolve();
        return new Promise(() => {});
      },
    },
  ]);
  const { engine, create } = await startEngine({ openMcpServers: createOpenMcpServers() });
  const runId = await create({ mcp_servers: [server(mcp.endpoint)] });
  await called.promise;
  mcp.requests.at(-1)?.socket.on("close", () => dropped.resolve());
  await engine.fetch(
    new Request(`http://engine/v1/tasks/runs/${runId}/cancel`, { method: "POST" }),
  );
  await dropped.promise;
  const result = await engine.fetch(
    new Request(`http://engine/v1/tasks/runs/${runId}/result?timeout=5`),
  );
  expect(result.status).toBe(404);
  const run = await engine.fetch(new Request(`http://engine/v1/tasks/runs/${runId}`));
  expect(TaskRun.parse(await run.json()).status).toBe("cancelled");
});

test("the connections are closed before the run ends, whether it is answered or cancelled", async () => {
  const called = deferred();
  const mcp = await startMcpServer([
    {
      name: "search",
      answer: (query) => {
        if (query === QUESTION) return ANSWER;
        called.resolve();
        return new Promise(() => {});
      },
    },
  ]);
  const closed = [deferred(), deferred()];
  let opened = 0;
  const open = createOpenMcpServers();
  const { engine, ask, create } = await startEngine({
    openMcpServers: async (entries, signal) => {
      const servers = await open(entries, signal);
      const done = closed[opened++];
      return { ...servers, close: () => servers.close().then(done?.resolve) };
    },
  });
  await ask({ mcp_servers: [server(mcp.endpoint)] });
  await closed[0]?.promise;
  const runId = await create({ input: "hang", mcp_servers: [server(mcp.endpoint)] });
  await called.promise;
  await engine.fetch(
    new Request(`http://engine/v1/tasks/runs/${runId}/cancel`, { method: "POST" }),
  );
  await closed[1]?.promise;
  expect(opened).toBe(2);
});

test("a server that was given up is disconnected when the run has ended", async () => {
  const dropped = deferred();
  const silent = await startServer((request) => {
    request.socket.on("close", () => dropped.resolve());
  });
  const { ask } = await startEngine({
    openMcpServers: createOpenMcpServers({ limits: { connectMs: 200 } }),
  });
  await ask({ mcp_servers: [server(silent.url)] });
  await dropped.promise;
});
