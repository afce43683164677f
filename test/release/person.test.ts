import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { BINARY, connectStdio, firstLine, launch, runToEnd } from "../e2e/built-binary.ts";

const QUESTION = "What was the GDP of France in 2023?";
const SOURCE = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";

const Runs = z.object({
  runs: z.array(z.object({ run_id: z.string(), status: z.string(), question: z.string() })),
  /** There is none where nothing costs. */
  spending: z.object({ total_usd: z.number() }).optional(),
});
const Checks = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ check: z.string(), state: z.string(), message: z.string() })),
});

/** Starts a run as an agent does. */
async function startRun(
  stateDir: string,
  question: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<string> {
  const agent = await connectStdio("v1 client", { stateDir, args, env });
  const { report } = await agent.call("create_task_run", { input: question });
  await agent.close();
  return z.string().parse(report["run_id"]);
}

/** A script under which no run ever ends by itself. */
async function endlessScript(stateDir: string): Promise<string> {
  const file = join(stateDir, "script.yaml");
  await writeFile(file, "runs:\n  - outcome: { status: stuck }\n");
  return file;
}

test("what an agent started is listed, read and seen by doctor", async () => {
  const stateDir = await temporaryFolder();
  const runId = await startRun(stateDir, QUESTION);

  const answer = await runToEnd({ stateDir, args: ["get", runId, "--wait", "60"] });
  expect(answer.stderr).toContain(`Run ${runId} is completed`);
  expect(answer.stdout).toContain("$3.05 trillion");
  expect(answer.stdout).toContain(SOURCE);
  expect(answer.code).toBe(0);
  const [passageId = ""] = /\bp\d+\.\d+\b/.exec(answer.stdout) ?? [];
  const around = await runToEnd({ stateDir, args: ["get", runId, "--passage", passageId] });
  expect(around).toMatchObject({ code: 0, stdout: expect.stringContaining(`[${passageId} ·`) });
  const unknown = await runToEnd({ stateDir, args: ["get", runId, "--passage", "p99.1"] });
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("the run has pages p1"),
  });

  const table = await runToEnd({ stateDir, args: ["runs"] });
  expect(table.stdout).toMatch(/^RUN +STATUS +STARTED +PROCESSOR +PRICE +QUESTION\n/);
  expect(table.stdout).toMatch(
    new RegExp(`\\n${runId} +completed +\\S+ \\S+ +base +free +What was`),
  );
  expect(table.code).toBe(0);

  const list = await runToEnd({ stateDir, args: ["runs", "--text", "gdp", "--json"] });
  expect(Runs.parse(JSON.parse(list.stdout)).runs).toMatchObject([
    { run_id: runId, status: "completed", question: QUESTION },
  ]);
});

test("doctor and --json see what an agent started, too", async () => {
  const stateDir = await temporaryFolder();
  const runId = await startRun(stateDir, QUESTION);
  const json = await runToEnd({ stateDir, args: ["get", runId, "--wait", "60", "--json"] });
  expect(JSON.parse(json.stdout)).toMatchObject({
    run: { run_id: runId, status: "completed" },
    output: { type: "text" },
  });
  const done = ["runs", "--status", "done", "--json", "--since"];
  const lately = await runToEnd({ stateDir, args: [...done, "1h"] });
  expect(Runs.parse(JSON.parse(lately.stdout)).runs).toMatchObject([{ run_id: runId }]);
  const later = await runToEnd({ stateDir, args: [...done, "2999-01-01"] });
  expect(Runs.parse(JSON.parse(later.stdout)).runs).toEqual([]);
  const none = await runToEnd({ stateDir, args: ["runs", "--status", "failed"] });
  expect(none).toMatchObject({ code: 0, stdout: "" });

  const doctor = await runToEnd({ stateDir, args: ["doctor", "--json"], env: { HOME: stateDir } });
  const { ok, checks } = Checks.parse(JSON.parse(doctor.stdout));
  const of = (name: string) => checks.find(({ check }) => check === name)?.message;
  expect(ok).toBe(true);
  expect(of("Ledger")).toContain("ledger.sqlite");
  expect(of("Engine")).toContain("engine.sqlite");
  expect(of("Documents")).toMatch(/\d+ files/);
});

test("a run that asks back is shown with its question", async () => {
  const stateDir = await temporaryFolder();
  const script = join(stateDir, "script.yaml");
  await writeFile(
    script,
    "defaults: { outcome: { status: action_required, message: Which country? } }",
  );
  const asked = await runToEnd({ stateDir, args: ["run", "--script", script, "Its GDP?"] });
  expect(asked.stderr).toContain("The run is action_required: it asks: Which country?\n");
  expect(asked.code).toBe(1);
  const [runId = ""] = /trun_\w+/.exec(asked.stderr) ?? [];
  const read = await runToEnd({ stateDir, args: ["get", runId, "--script", script] });
  expect(read.stderr).toContain(`Run ${runId} is action_required: it asks: Which country?\n`);
});

test("a run that goes on is shown as such, and can be cancelled", async () => {
  const stateDir = await temporaryFolder();
  const args = ["--script", await endlessScript(stateDir)];
  const runId = await startRun(stateDir, "Will take long", { args });

  const looked = await runToEnd({ stateDir, args: ["get", runId, ...args] });
  expect(looked.stderr).toMatch(/is (?:queued|running)/);
  expect(looked).toMatchObject({ code: 0, stdout: "" });
  const active = await runToEnd({ stateDir, args: ["runs", "--status", "active", ...args] });
  expect(active.stdout).toContain(runId);

  const cancelled = await runToEnd({ stateDir, args: ["cancel", runId, ...args] });
  expect(cancelled.stdout).toBe("The run is cancelled; it has no output.\n");
  expect(cancelled.code).toBe(0);
  const again = await runToEnd({ stateDir, args: ["cancel", runId, "--json", ...args] });
  expect(JSON.parse(again.stdout)).toEqual({
    outcome: "already_finished",
    run_id: runId,
    status: "cancelled",
  });
  expect(again.code).toBe(0);
  const read = await runToEnd({ stateDir, args: ["get", runId, ...args] });
  expect(read.stderr).toContain(`Run ${runId} is cancelled`);
  expect(read.code).toBe(1);
});

test("a backend that cannot cancel is said to go on, with exit code 1", async () => {
  const engineDir = await temporaryFolder();
  const engine = launch({
    stateDir: engineDir,
    args: ["engine", "--profile", "hosted", "--script", await endlessScript(engineDir)],
  });
  const env = { PARALLEL_BASE_URL: await firstLine(engine) };
  const stateDir = await temporaryFolder();
  const runId = await startRun(stateDir, "Cannot be stopped", { env });
  const refused = await runToEnd({ stateDir, env, args: ["cancel", runId] });
  expect(refused.stdout).toMatch(/not supported by this backend\. The run goes on/);
  expect(refused.code).toBe(1);
});

test("ids that nobody knows, or that are none, are said to be so", async () => {
  const stateDir = await temporaryFolder();
  const unknown = await runToEnd({ stateDir, args: ["get", "trun_unknown"] });
  expect(unknown.stderr).toMatch(/no such run/);
  expect(unknown.code).toBe(1);
  const cancelled = await runToEnd({ stateDir, args: ["cancel", "trun_unknown"] });
  expect(cancelled.stdout).toMatch(/knows no such run/);
  expect(cancelled.code).toBe(1);
});

test.each([
  ["an id with a space", ["get", "a b"], /run id/],
  ["a wait that is no number", ["get", "trun_1", "--wait", "long"], /--wait/],
  ["a limit of nothing", ["runs", "--limit", "0"], /--limit/],
  ["an unknown status", ["runs", "--status", "sideways"], /--status/],
  ["an unknown time", ["runs", "--since", "soon"], /--since: write today/],
  ["an unknown client", ["install", "notepad"], /claude-desktop/],
  ["a key that would be printed", ["install", "cursor", "--print", "--copy-key"], /--copy-key/],
  ["an unknown shell", ["completion", "cmd"], /bash/],
])("%s is refused with exit code 2", async (_name, args, message) => {
  const { code, stdout, stderr } = await runToEnd({ stateDir: await temporaryFolder(), args });
  expect(stderr).toMatch(message);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

test("doctor tells an accepted key, a refused key, a closed port and a web page apart", async () => {
  const stateDir = await temporaryFolder();
  const engine = launch({
    stateDir: await temporaryFolder(),
    args: ["engine", "--api-key", "good"],
  });
  const url = await firstLine(engine);
  const examine = async (env: Record<string, string>) => {
    const args = ["doctor", "--json"];
    const { code, stdout } = await runToEnd({ stateDir, args, env: { HOME: stateDir, ...env } });
    expect(stdout).not.toMatch(/good-key|bad-key/);
    const reach = Checks.parse(JSON.parse(stdout)).checks.find(({ check }) => check === "Reach");
    return { code, reach: reach?.message };
  };
  expect(await examine({ PARALLEL_BASE_URL: url, PARALLEL_API_KEY: "good" })).toEqual({
    code: 0,
    reach: "the backend answers and accepts the key",
  });
  expect(await examine({ PARALLEL_BASE_URL: url, PARALLEL_API_KEY: "bad-key" })).toEqual({
    code: 1,
    reach: "the backend rejects the key (status 401)",
  });
  expect(await examine({ PARALLEL_BASE_URL: url })).toEqual({
    code: 1,
    reach: "the backend wants a key (status 401)",
  });
  const site = createServer((_request, response) => void response.writeHead(404).end("<html>"));
  onTestFinished(() => void site.close());
  await once(site.listen(0, "127.0.0.1"), "listening");
  const { port } = z.object({ port: z.number() }).parse(site.address());
  expect(await examine({ PARALLEL_BASE_URL: `http://127.0.0.1:${port}` })).toEqual({
    code: 1,
    reach: expect.stringContaining("not in the words of the Task API"),
  });
  engine.kill("SIGKILL");
  const { code, reach } = await examine({ PARALLEL_BASE_URL: url });
  expect(reach).toMatch(/cannot be reached \(ECONNREFUSED\)/);
  expect(code).toBe(1);
});

test("`install` writes an entry that starts this server", async () => {
  const home = await temporaryFolder();
  await mkdir(join(home, ".cursor"));
  const documents = join(home, "notes");
  await mkdir(documents);
  await writeFile(join(documents, "a.md"), "# Ada\n\nAda's cat is called Turing.\n");
  const env = { HOME: home, PARALLEL_API_KEY: "secret-key" };
  const args = ["install", "cursor", "--yes", "--documents", documents];
  const { code, stdout, stderr } = await runToEnd({ stateDir: home, env, args });
  expect(code).toBe(0);
  expect(stdout).toContain("--copy-key");
  expect(stdout + stderr).not.toContain("secret-key");
  const text = await readFile(join(home, ".cursor", "mcp.json"), "utf8");
  expect(text).not.toContain("secret-key");
  const entry = z
    .object({
      command: z.string(),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(text).mcpServers["task-run"]);
  expect(entry).toEqual({
    command: process.execPath,
    args: [BINARY],
    env: { TASK_RUN_MCP_DOCUMENTS: documents },
  });
  const agent = await connectStdio("v1 client", { stateDir: join(home, "s"), env: entry.env });
  const answer = await agent.call("create_task_run", {
    input: "What is Ada's cat called?",
    wait_seconds: 20,
  });
  expect(answer.text).toContain("Turing");

  const doctor = await runToEnd({ stateDir: home, args: ["doctor"], env: { HOME: home } });
  expect(doctor.stdout).toContain('✓ Clients         Cursor ("task-run")');
  const copied = await runToEnd({ stateDir: home, env, args: [...args, "--copy-key"] });
  expect(copied.stdout).toContain('"PARALLEL_API_KEY": "[redacted]"');
  expect(await readFile(join(home, ".cursor", "mcp.json"), "utf8")).toContain("secret-key");
  expect(await readdir(join(home, ".cursor"))).toHaveLength(2);
});

test.skipIf(process.platform === "win32")(
  "bash completes commands, clients and options",
  async () => {
    const stateDir = await temporaryFolder();
    const { stdout: script } = await runToEnd({ stateDir, args: ["completion", "bash"] });
    const file = join(stateDir, "completion.bash");
    await writeFile(
      file,
      `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _task_run_mcp; echo "\${COMPREPLY[*]}"
`,
    );
    const complete = async (...words: string[]) => {
      const line = ["task-run-mcp", ...words];
      const { stdout } = await promisify(execFile)("bash", [file, ...line]);
      return stdout.trim().split(" ");
    };
    expect(await complete("ca")).toEqual(["cancel"]);
    expect(await complete("install", "c")).toEqual([
      "claude-desktop",
      "claude-code",
      "cursor",
      "copilot-cli",
      "codex",
      "cline",
    ]);
    expect(await complete("install", "codex", "--rem")).toEqual(["--remove"]);
    expect(await complete("run", "q", "--processor", "ultra8")).toEqual([
      "ultra8x",
      "ultra8x-fast",
    ]);
    expect(await complete("get", "trun_1", "--w")).toEqual(["--wait"]);
  },
);

test("every command has help with its options, and every new one an example", async () => {
  const stateDir = await temporaryFolder();
  const { stdout } = await runToEnd({ stateDir, args: ["completion", "fish"] });
  const names = [...stdout.matchAll(/ -f -a ([a-z-]+) -d /g)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(["install", "doctor", "runs", "get", "cancel"]));
  const withExamples = new Set(["install", "doctor", "runs", "get", "cancel", "completion"]);
  for (const name of names) {
    const help = await runToEnd({ stateDir, args: [name ?? "", "--help"] });
    expect(help.stdout).toContain(`Usage: task-run-mcp ${name}`);
    expect(help.code).toBe(0);
    if (!withExamples.delete(name ?? "")) continue;
    expect(help.stdout).toContain(`Examples:\n  $ task-run-mcp ${name}`);
  }
  expect([...withExamples]).toEqual([]);
});
