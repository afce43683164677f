import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { CLIENT_KINDS, type Progress, connectStdio, launch } from "./built-binary.ts";

const QUESTION = "What was the GDP of France in 2023?";
const SOURCE = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";

describe.each(CLIENT_KINDS)("over stdio, the %s", (kind) => {
  test("gets from a question to an answer that cites the right source", async () => {
    const client = await connectStdio(kind, { stateDir: await temporaryFolder() });
    expect((await client.listTools()).map((tool) => tool.name)).toEqual([
      "create_task_run",
      "get_task_run",
      "cancel_task_run",
    ]);
    const created = await client.call("create_task_run", { input: QUESTION });
    expect(created.isError).toBe(false);
    expect(created.report).toMatchObject({ run_id: expect.stringMatching(/^trun_/) });
    expect(created.text).toContain(String(created.report["run_id"]));

    const seen: Progress[] = [];
    const runId = created.report["run_id"];
    const answer = await client.call("get_task_run", { run_id: runId }, (progress) =>
      seen.push(progress),
    );
    expect(answer.report).toMatchObject({ run_id: runId, status: "completed", is_active: false });
    for (const channel of [answer.text, JSON.stringify(answer.report)]) {
      expect(channel).toContain("$3.05 trillion");
      expect(channel).toContain(SOURCE);
    }
    for (const { total } of seen) expect(total).toBe(100);
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
    const bad = await client.call("create_task_run", { metadata: { abcdefghijklmnopq: "x" } });
    expect(bad.isError).toBe(true);
    expect(bad.text).toContain("input");
    expect(bad.text).toContain("at most 16 characters");
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

test("tools are listed before disk, documents or index are touched; the first call says what is wrong", async () => {
  const folder = await temporaryFolder();
  const stateDir = join(folder, "not-a-folder");
  await writeFile(stateDir, "a file");
  const client = await connectStdio("v1 client", {
    stateDir,
    env: { TASK_RUN_MCP_DOCUMENTS: join(folder, "missing") },
  });
  expect(await client.listTools()).toHaveLength(3);
  const created = await client.call("create_task_run", { input: QUESTION });
  expect(created.isError).toBe(true);
  expect(created.text).toMatch(/state folder/);
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

test("a damaged database is named, with what to do", async () => {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, "engine.sqlite"), "no database at all ".repeat(500));
  const client = await connectStdio("v1 client", { stateDir });
  const created = await client.call("create_task_run", { input: QUESTION });
  expect(created.isError).toBe(true);
  expect(created.text).toContain("Move it away");
});

test("a database that another program keeps locked is named, with what to do", async () => {
  const stateDir = await temporaryFolder();
  const db = await openDatabase(join(stateDir, "engine.sqlite"));
  const client = await connectStdio("v1 client", { stateDir });
  const created = await db
    .transaction()
    .execute(() => client.call("create_task_run", { input: QUESTION }));
  await db.destroy();
  expect(created.isError).toBe(true);
  expect(created.text).toMatch(/lock/);
});

describe("the process", () => {
  const initialize = `${JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    },
  })}\n`;

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
