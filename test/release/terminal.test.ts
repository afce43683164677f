import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { firstLine, launch, runToEnd } from "../e2e/built-binary.ts";
import { CTRL_C, hasTerminals, startOnTerminal } from "../e2e/on-terminal.ts";

/** The options under which no run ever ends by itself. */
async function endlessly(stateDir: string): Promise<string[]> {
  const file = join(stateDir, "script.yaml");
  await writeFile(file, "runs:\n  - outcome: { status: stuck }\n");
  return ["--script", file];
}

function runIdIn(shown: string): string {
  return /Started (trun_\w+)/.exec(shown)?.[1] ?? "";
}

/** Resolves when `run` shows that its run is running, with what it has shown so far. */
function untilPerformed({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let shown = "";
    stderr?.on("data", (chunk) => {
      shown += String(chunk);
      if (shown.includes("running")) resolve(shown);
    });
  });
}

test.each([
  ["rnus", "runs"],
  ["halp", "help"],
  ["stdoi", "stdio"],
  ["doktor", "doctor"],
])("the unknown command %s is answered with the one that was meant: %s", async (word, meant) => {
  const stateDir = await temporaryFolder();
  for (const args of [[word], ["help", word], ["--state-dir", stateDir, word]]) {
    const { code, stdout, stderr } = await runToEnd({ stateDir, args });
    expect(stderr).toContain(`unknown command '${word}'`);
    expect(stderr).toContain(`(Did you mean ${meant}?)`);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  }
});

test.each([
  [["--documnts", "x"], "--documents"],
  [["stdio", "--documnts", "x"], "--documents"],
  [["runs", "--stats", "active"], "--status"],
  [["http", "--allowed-host", "a"], "--allowed-hosts"],
])("the unknown option of %j is answered with the one that was meant", async (args, meant) => {
  const { code, stderr } = await runToEnd({ stateDir: await temporaryFolder(), args });
  expect(stderr).toContain(`(Did you mean ${meant}?)`);
  expect(code).toBe(2);
});

test("help lists every command, and of a command the settings that it reads", async () => {
  const stateDir = await temporaryFolder();
  const help = async (...args: string[]) => (await runToEnd({ stateDir, args })).stdout;
  const all = await help("help");
  expect(await help("--help")).toBe(all);
  for (const name of [
    "stdio",
    "http",
    "engine",
    "run",
    "install",
    "doctor",
    "runs",
    "get",
    "help",
  ]) {
    expect(all).toMatch(new RegExp(`\n  ${name} `));
  }
  expect(all).not.toContain("--budget-usd");

  const get = await help("help", "get");
  expect(await help("get", "--help")).toBe(get);
  expect(get).toContain("--wait");
  expect(get).toContain("TASK_RUN_MCP_STATE_DIR");
  expect(get).toContain("PARALLEL_API_KEY");
  expect(get).not.toMatch(/TASK_RUN_MCP_(?:PORT|TOKENS|TOOLSETS|BUDGET_USD|WAIT_CAPS)/);
  const engine = await help("help", "engine");
  expect(engine).toContain("--tenants");
  expect(engine).toContain("TASK_RUN_MCP_WEBHOOK_SECRETS");
  expect(engine).not.toContain("PARALLEL_API_KEY");
  expect(await help("help", "stdio")).not.toContain("TASK_RUN_MCP_PORT");
});

test("`stdio`, and no command away from a terminal, serve MCP", async () => {
  const stateDir = await temporaryFolder();
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    },
  };
  for (const args of [
    [],
    ["stdio"],
    ["stdio", stateDir],
    ["--read-only"],
    ["--read-only", "stdio"],
  ]) {
    const child = launch({ stateDir, args });
    child.stdin?.write(`${JSON.stringify(initialize)}\n`);
    expect(JSON.parse(await firstLine(child))).toMatchObject({ id: 1, result: {} });
    child.stdin?.end();
    await once(child, "exit");
  }
});

test("a run that no process performs any more is said to be so, with what makes it go on", async () => {
  const stateDir = await temporaryFolder();
  const args = await endlessly(stateDir);
  const child = launch({ stateDir, args: ["run", "Will take long", ...args] });
  const runId = runIdIn(await untilPerformed(child));
  const performed = await runToEnd({ stateDir, args: ["get", runId, ...args] });
  expect(performed.stderr).toMatch(/is running/);
  expect(performed.stderr).not.toContain("No process");

  child.kill("SIGKILL");
  await once(child, "exit");
  const hint = `Run ${runId} has no worker now. \`task-run-mcp get ${runId} --wait 600 --script ${args[1]}\` continues it`;
  const get = await runToEnd({ stateDir, args: ["get", runId, ...args] });
  expect(get.stderr).toContain(hint);
  expect(get.code).toBe(0);
  const runs = await runToEnd({ stateDir, args: ["runs", ...args] });
  expect(runs.stdout).toContain(runId);
  expect(runs.stderr).toContain(hint);
  const waited = await runToEnd({ stateDir, args: ["get", runId, "--wait", "1", ...args] });
  expect(waited.stderr).toContain(hint);
});

describe.skipIf(!hasTerminals)("on a terminal", () => {
  test("alone, it says what it is and what to do, and ends", async () => {
    const stateDir = await temporaryFolder();
    const { code, shown } = await startOnTerminal({ stateDir }).ended();
    expect(shown).toMatch(/an MCP server that starts research task runs/);
    for (const name of ["install", "run", "doctor", "stdio", "help"]) {
      expect(shown).toContain(`task-run-mcp ${name}`);
    }
    expect(code).toBe(0);
  });

  test("Ctrl-C in `run` says how to go on, offers to cancel, and leaves the run alone unless told", async () => {
    const stateDir = await temporaryFolder();
    const args = await endlessly(stateDir);
    const terminal = startOnTerminal({ stateDir, args: ["run", "Will take long", ...args] });
    await terminal.until(/░/);
    terminal.type(CTRL_C);
    const asked = await terminal.until(/Cancel it now\? \[y\/N\]/);
    const runId = runIdIn(asked);
    expect(asked).toContain(`task-run-mcp get ${runId} --wait 600 --script ${args[1]}`);
    expect(asked).toContain(`task-run-mcp cancel ${runId}`);
    terminal.type("n\r");
    const { code, shown } = await terminal.ended();
    expect(shown).toContain(`Run ${runId} has no worker now.`);
    expect(code).toBe(130);
    const get = await runToEnd({ stateDir, args: ["get", runId, ...args] });
    expect(get.stderr).toMatch(/is queued/);
  });

  test("answered with y it cancels the run, and says so", async () => {
    const stateDir = await temporaryFolder();
    const args = await endlessly(stateDir);
    const terminal = startOnTerminal({ stateDir, args: ["run", "Will take long", ...args] });
    await terminal.until(/░/);
    terminal.type(CTRL_C);
    await terminal.until(/\[y\/N\]/);
    terminal.type("y\r");
    const { code, shown } = await terminal.ended();
    expect(shown).toMatch(/is cancelled; it has no output/);
    expect(shown).not.toContain("has no worker");
    expect(code).toBe(130);
  });

  test("a second Ctrl-C ends it at once, with the run as it was", async () => {
    const stateDir = await temporaryFolder();
    const args = await endlessly(stateDir);
    const terminal = startOnTerminal({ stateDir, args: ["run", "Will take long", ...args] });
    await terminal.until(/░/);
    terminal.type(CTRL_C);
    await terminal.until(/\[y\/N\]/);
    terminal.type(CTRL_C);
    const { code, shown } = await terminal.ended();
    expect(shown).toMatch(/task-run-mcp get trun_/);
    expect(code).toBe(130);
  });
});

test("interrupted away from a terminal, `run` asks nothing and says how to go on", async () => {
  const stateDir = await temporaryFolder();
  const args = await endlessly(stateDir);
  const child = launch({ stateDir, args: ["run", "Will take long", ...args] });
  let stderr = "";
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  await untilPerformed(child);
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  expect(stderr).toContain("Stopped waiting. The run was not cancelled.");
  expect(stderr).toContain(`task-run-mcp get ${runIdIn(stderr)} --wait 600`);
  expect(stderr).toContain("has no worker");
  expect(stderr).not.toContain("[y/N]");
  expect(code).toBe(130);
});
