import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import Parallel from "parallel-web";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { firstLine, launch, runToEnd } from "../e2e/built-binary.ts";

const QUESTION = "What was the GDP of France in 2023?";
const SOURCE = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";

test("`run` prints the answer with its sources on stdout and its progress on stderr", async () => {
  const stateDir = await temporaryFolder();
  const { code, stdout, stderr } = await runToEnd({ stateDir, args: ["run", QUESTION] });
  expect(stderr).toMatch(/Started trun_/);
  expect(stderr).toMatch(/sources read/);
  expect(stdout).toContain("$3.05 trillion");
  expect(stdout).toContain(SOURCE);
  expect(code).toBe(0);
});

test.each([["doctor"], ["runs", "--json"], ["install", "cursor", "--print"], ["--help"]])(
  "a reader of `%s` that has had enough ends it quietly",
  async (...args) => {
    for (const broken of ["stdout", "stderr"] as const) {
      const child = launch({ stateDir: await temporaryFolder(), args });
      let told = "";
      child[broken]?.destroy();
      child[broken === "stdout" ? "stderr" : "stdout"]?.on(
        "data",
        (text) => (told += String(text)),
      );
      const [code] = await once(child, "exit");
      expect(code).toBe(0);
      expect(told).not.toMatch(/EPIPE|at \w+ \(/);
    }
  },
);

test.each(["http", "engine"])(
  "`%s` ends within a second when nothing is open but silent connections",
  async (command) => {
    const args = [command, "--port", "0"];
    const child = launch({ stateDir: await temporaryFolder(), args });
    const port = Number(new URL(await firstLine(child)).port);
    for (const sent of ["", "POST /mcp HT", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, "connect");
      socket.write(sent);
    }
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    // What does not end by itself is ended after 10 s, with another code.
    expect(await exited).toEqual([0, null]);
  },
);

test("`run --json` prints the run and its output, following the schema of --output-schema", async () => {
  const stateDir = await temporaryFolder();
  const file = join(stateDir, "schema.json");
  await writeFile(
    file,
    JSON.stringify({
      type: "object",
      properties: { gdp: { type: ["number", "null"], description: "GDP in US dollars" } },
      required: ["gdp"],
      additionalProperties: false,
    }),
  );
  const { code, stdout } = await runToEnd({
    stateDir,
    args: ["run", QUESTION, "--json", "--output-schema", file, "--processor", "core"],
  });
  expect(JSON.parse(stdout)).toMatchObject({
    run: { status: "completed", processor: "core" },
    output: { type: "json", content: { gdp: 3.05e12 } },
  });
  expect(code).toBe(0);
});

test.each([
  ["a schema with an array root", ["run", QUESTION, "--output-schema", "SCHEMA"], /object/],
  [
    "a schema file that is missing",
    ["run", QUESTION, "--output-schema", "nowhere.json"],
    /nowhere/,
  ],
  ["an unknown processor", ["run", QUESTION, "--processor", "giant"], /ultra8x/],
  ["an empty question", ["run", ""], /must not be empty/],
  ["no question", ["run"], /question/],
  ["an unknown command", ["walk"], /--help/],
  ["an unknown option", ["--colour"], /--help/],
  ["an address that others reach, without a key", ["engine", "--host", "0.0.0.0"], /--api-key/],
  ["a port that is no number", ["engine", "--port", "http"], /--port.*0 to 65535/],
])("%s is refused with exit code 2 and what to write", async (_name, args, message) => {
  const stateDir = await temporaryFolder();
  const schema = join(stateDir, "schema.json");
  await writeFile(schema, JSON.stringify({ type: "array", items: { type: "string" } }));
  const { code, stdout, stderr } = await runToEnd({
    stateDir,
    args: args.map((arg) => (arg === "SCHEMA" ? schema : arg)),
  });
  expect(stderr).toMatch(message);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

test("a document folder that does not exist stops `run` and `engine` with what to do", async () => {
  const stateDir = await temporaryFolder();
  const documents = join(stateDir, "missing");
  for (const command of [["run", QUESTION], ["engine"]]) {
    const { code, stderr } = await runToEnd({
      stateDir,
      args: [...command, "--documents", documents],
    });
    expect(stderr).toContain(documents);
    expect(code).toBe(2);
  }
});

test("`engine` prints its base URL first, serves the official client, and ends on SIGTERM", async () => {
  const child = launch({
    stateDir: await temporaryFolder(),
    args: ["engine", "--port", "0", "--api-key", "a-key"],
  });
  const baseURL = await firstLine(child);
  expect(baseURL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const client = new Parallel({ apiKey: "a-key", baseURL });

  const run = await client.taskRun.create({
    input: QUESTION,
    processor: "base",
    enable_events: true,
  });
  expect(run.status).toBe("queued");
  const events = [];
  for await (const event of await client.taskRun.events(run.run_id)) events.push(event);
  expect(events[0]?.type).toBe("task_run.state");
  expect(events.map((event) => event.type)).toContain("task_run.progress_stats");
  expect(events.at(-1)).toMatchObject({ type: "task_run.state", run: { status: "completed" } });

  const { output } = await client.taskRun.result(run.run_id, { timeout: 20 });
  expect(output.type === "text" && output.content).toContain("$3.05 trillion");
  expect(output.basis[0]?.citations?.[0]?.url).toBe(SOURCE);
  expect(output.basis[0]?.confidence).toBe("low");
  expect(await client.taskRun.retrieve(run.run_id)).toMatchObject({ is_active: false });
  expect(await client.taskRun.retrieveInput(run.run_id)).toMatchObject({ input: QUESTION });

  const stranger = new Parallel({ apiKey: "another-key", baseURL });
  await expect(stranger.taskRun.retrieve(run.run_id)).rejects.toMatchObject({ status: 401 });

  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("`run` works against an engine on another address, as against the hosted API", async () => {
  const child = launch({
    stateDir: await temporaryFolder(),
    args: ["engine", "--api-key", "a-key"],
  });
  const env = { PARALLEL_BASE_URL: await firstLine(child), PARALLEL_API_KEY: "a-key" };
  const stateDir = await temporaryFolder();
  const { code, stdout } = await runToEnd({ stateDir, env, args: ["run", QUESTION] });
  expect(stdout).toContain("$3.05 trillion");
  expect(code).toBe(0);

  const refused = await runToEnd({
    stateDir,
    env: { ...env, PARALLEL_API_KEY: "wrong-key" },
    args: ["run", QUESTION],
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/key/i);
  expect(refused.stderr).not.toContain("wrong-key");
});

test("a port that is taken is said plainly", async () => {
  const first = launch({ stateDir: await temporaryFolder(), args: ["engine"] });
  const { port } = new URL(await firstLine(first));
  const { code, stderr } = await runToEnd({
    stateDir: await temporaryFolder(),
    args: ["engine", "--port", port],
  });
  expect(stderr).toContain(port);
  expect(code).toBe(1);
});

test("--help and --version answer on stdout", async () => {
  const stateDir = await temporaryFolder();
  const help = await runToEnd({ stateDir, args: ["--help"] });
  expect(help.stdout).toContain("TASK_RUN_MCP");
  expect(help.code).toBe(0);
  expect((await runToEnd({ stateDir, args: ["--version"] })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
