import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { type Progress, clientKinds } from "../mcp/connect.ts";
import { connectStdio, launch } from "./built-binary.ts";

const QUESTION = "What was the GDP of France in 2023?";
const SOURCE = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";

describe.each(clientKinds)("over stdio, the %s", (kind) => {
  test("gets from a question to an answer that cites the right source", async () => {
    const client = await connectStdio(kind, { stateDir: await temporaryFolder() });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([
      "create_task_run",
      "get_task_run",
      "cancel_task_run",
      "list_task_runs",
      "create_task_group",
      "get_task_group",
      "cancel_task_group",
    ]);
    const created = await client.call("create_task_run", { input: QUESTION });
    expect(created.isError).toBe(false);
    expect(created.report).toMatchObject({ run_id: expect.stringMatching(/^trun_/) });
    expect(created.text).toContain(String(created.report["run_id"]));

    const seen: Progress[] = [];
    const runId = created.report["run_id"];
    const answer = await client.call(
      "get_task_run",
      { run_id: runId },
      {
        onprogress: (progress) => seen.push(progress),
      },
    );
    expect(answer.report).toMatchObject({ run_id: runId, status: "completed", is_active: false });
    for (const channel of [answer.text, JSON.stringify(answer.report)]) {
      expect(channel).toContain("$3.05 trillion");
      expect(channel).toContain(SOURCE);
    }
    for (const { total = 100 } of seen) expect(total).toBe(100);
    const values = seen.map(({ progress }) => progress);
    expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
    if (seen.length > 0) expect(seen[0]?.message).toContain(String(runId));

    const cancelled = await client.call("cancel_task_run", { run_id: runId });
    expect(cancelled.report).toMatchObject({ outcome: "already_finished", status: "completed" });
  });

  test("is told what to do about a run that does not exist, and about bad arguments", async () => {
    const client = await connectStdio(kind, { stateDir: await temporaryFolder() });
    const unknown = await client.call("get_task_run", { run_id: "trun_nope" });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).toContain("trun_nope");
    const bad = await client.call("create_task_run", { metadata: { team: ["x"] } });
    expect(bad.isError).toBe(true);
    expect(bad.text).toContain("input");
    expect(bad.text).toContain("metadata.team");
  });

  test("fills a JSON schema field by field", async () => {
    const client = await connectStdio(kind, { stateDir: await temporaryFolder() });
    const { report } = await client.call("create_task_run", {
      input: QUESTION,
      wait_seconds: 30,
      task_spec: {
        output_schema: {
          type: "json",
          json_schema: {
            type: "object",
            properties: { gdp: { type: ["number", "null"], description: "GDP in US dollars" } },
            required: ["gdp"],
            additionalProperties: false,
          },
        },
      },
    });
    expect(report).toMatchObject({ status: "completed", output: { gdp: 3.05e12 } });
  });
});

test("tools are listed before disk, documents or index are touched", async () => {
  const folder = await temporaryFolder();
  const stateDir = join(folder, "not-there");
  const documents = join(folder, "missing");
  const client = await connectStdio("v1 client", {
    stateDir,
    env: { TASK_RUN_MCP_DOCUMENTS: documents },
  });
  expect((await client.listTools()).tools).toHaveLength(7);
  expect(await readdir(folder)).toEqual([]);
});

test("a document folder that does not exist is named, with what to do", async () => {
  const folder = await temporaryFolder();
  const documents = join(folder, "missing");
  const client = await connectStdio("v1 client", {
    stateDir: folder,
    env: { TASK_RUN_MCP_DOCUMENTS: documents },
  });
  const created = await client.call("create_task_run", { input: QUESTION });
  expect(created.isError).toBe(true);
  expect(created.text).toContain(documents);
  await mkdir(documents);
  await writeFile(join(documents, "note.md"), "The GDP of France in 2023 was $3.05 trillion.");
  const again = await client.call("create_task_run", { input: QUESTION, wait_seconds: 30 });
  expect(again.report).toMatchObject({ status: "completed" });
});

/** What makes a state folder unusable, and what the user is told of it. */
const UNUSABLE: [what: string, make: (stateDir: string) => Promise<unknown>, told: RegExp][] = [
  ["is a file", (stateDir) => writeFile(stateDir, "a file"), /state folder/],
  [
    "has a damaged database",
    async (stateDir) => {
      await mkdir(stateDir);
      await writeFile(join(stateDir, "engine.sqlite"), "no database at all ".repeat(500));
    },
    /Move it away/,
  ],
  [
    "has a damaged ledger",
    async (stateDir) => {
      await mkdir(stateDir);
      await writeFile(join(stateDir, "ledger.sqlite"), "no database at all ".repeat(500));
    },
    /Move it away/,
  ],
];

test.each(UNUSABLE)(
  "a state folder that %s: runs work from memory, and every report says so",
  async (_what, make, told) => {
    const stateDir = join(await temporaryFolder(), "state");
    await make(stateDir);
    const client = await connectStdio("v1 client", { stateDir });
    const { isError, report, text } = await client.call("create_task_run", {
      input: QUESTION,
      wait_seconds: 30,
    });
    expect(isError, text).toBe(false);
    expect(report).toMatchObject({ status: "completed" });
    expect(String(report["output"])).toContain("3.05 trillion");
    const note = expect.stringMatching(told);
    expect(report["notes"]).toEqual([note]);
    expect(text).toContain("Note: The record of started runs is kept in memory only");
    const list = await client.call("list_task_runs", {});
    expect(list.report).toMatchObject({ runs: [{ run_id: report["run_id"] }], notes: [note] });
  },
);

test("a database that another program keeps locked is no reason not to work", async () => {
  const stateDir = await temporaryFolder();
  const db = await openDatabase(join(stateDir, "engine.sqlite"));
  const client = await connectStdio("v1 client", { stateDir });
  const created = await db
    .transaction()
    .execute(() => client.call("create_task_run", { input: QUESTION, wait_seconds: 30 }));
  await db.destroy();
  expect(created.report).toMatchObject({ status: "completed" });
  expect(created.report["notes"]).toEqual([expect.stringMatching(/in memory only.*lock/)]);
});

test("a follow-up keeps the subject of the question before it", async () => {
  const client = await connectStdio("v2 client, 2026-07-28", { stateDir: await temporaryFolder() });
  const first = await client.call("create_task_run", { input: QUESTION, wait_seconds: 30 });
  const second = await client.call("create_task_run", {
    input: "And in Germany?",
    // Where no interaction_id is shown, the run_id is it.
    previous_interaction_id: first.report["run_id"],
    wait_seconds: 30,
  });
  expect(JSON.stringify(second.report)).toContain("locations=DE");
});

test("the API key is in no result, no log at its lowest level, and no file", async () => {
  const key = "key-mrk7f3a9c-of-the-account";
  const { url } = await startLoopbackServer((request, response) => {
    const echo = JSON.stringify(request.headers);
    const error = { ref_id: echo, message: echo, detail: null };
    response.writeHead(request.method === "POST" ? 402 : 500);
    response.end(JSON.stringify({ type: "error", error }));
  });
  const stateDir = await temporaryFolder();
  const child = launch({
    stateDir,
    env: {
      PARALLEL_API_KEY: key,
      PARALLEL_BASE_URL: url,
      TASK_RUN_MCP_LOG_LEVEL: "trace",
    },
  });
  let written = "";
  child.stdout.on("data", (chunk) => (written += String(chunk)));
  child.stderr?.on("data", (chunk) => (written += String(chunk)));
  const send = (message: object) =>
    child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  send({ id: 1, method: "initialize", params: INITIALIZE });
  const calls = [
    ["create_task_run", { input: QUESTION }],
    ["get_task_run", { run_id: "trun_1", wait_seconds: 0 }],
    ["list_task_runs", {}],
  ] as const;
  for (const [index, [name, args]] of calls.entries()) {
    send({ id: index + 2, method: "tools/call", params: { name, arguments: args } });
  }
  await expect.poll(() => written.match(/"jsonrpc"/g)).toHaveLength(4);
  child.stdin?.end();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(written).toContain("The account's credit does not cover this.");
  expect(written).toContain('"level":20');
  const names = await readdir(stateDir);
  const files = await Promise.all(names.map((name) => readFile(join(stateDir, name), "latin1")));
  expect(files.length).toBeGreaterThan(0);
  for (const text of [written, ...files]) expect(text.includes("mrk7f3a9c")).toBe(false);
});

const INITIALIZE = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
};

describe("the process", () => {
  const initialize = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: INITIALIZE })}\n`;

  async function start() {
    const child = launch({ stateDir: await temporaryFolder() });
    const lines: string[] = [];
    child.stdout.on("data", (chunk) => lines.push(...String(chunk).split("\n").filter(Boolean)));
    const answered = once(child.stdout, "data");
    child.stdin?.write(initialize);
    await answered;
    return { child, lines };
  }

  test.each(["SIGTERM", "SIGINT"] as const)("ends cleanly on %s", async (signal) => {
    const { child } = await start();
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("ends cleanly when its client closes stdin, having written nothing but JSON-RPC", async () => {
    const { child, lines } = await start();
    const call = (id: number, name: string, args: unknown) =>
      `${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } })}\n`;
    const answered = once(child.stdout, "data");
    child.stdin?.write(call(2, "create_task_run", { input: QUESTION }));
    await answered;
    child.stdin?.end();
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
  });
});
