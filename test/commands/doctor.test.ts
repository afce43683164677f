import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { z } from "zod";
import { type DoctorOptions, doctorCommand } from "../../src/commands/doctor.ts";
import { checkNode } from "../../src/commands/doctor/check-program.ts";
import { checkStateFolder } from "../../src/commands/doctor/check-state.ts";
import { readSettings } from "../../src/config.ts";
import type { Flags } from "../../src/options.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";

const Report = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      check: z.string(),
      state: z.enum(["ok", "warning", "problem"]),
      message: z.string(),
      advice: z.string().optional(),
    }),
  ),
});

/** What doctor finds on a machine with a home of its own. */
async function examine(home: string, flags: Flags = {}, env: NodeJS.ProcessEnv = {}) {
  const stdout = new PassThrough();
  const { config, problems, nameOf } = readSettings(
    { stateDir: join(home, "state"), ...flags },
    env,
  );
  const options: DoctorOptions = {
    config,
    wrongSettings: problems,
    nameOf,
    version: "1.2.3",
    nodeVersion: process.versions.node,
    program: { nodePath: process.execPath, cliPath: "/opt/task-run-mcp/dist/cli.js" },
    machine: { platform: "linux", home, env: {} },
    isOffline: true,
    json: true,
    signal: new AbortController().signal,
    stdout,
  };
  const code = await doctorCommand(options);
  stdout.end();
  const output = await text(stdout);
  const { ok, checks } = Report.parse(JSON.parse(output));
  expect(ok).toBe(code === 0);
  return { code, output, of: (name: string) => checks.filter(({ check }) => check === name) };
}

test("a fresh machine is well, and nothing is made on it", async () => {
  const home = await temporaryFolder();
  const { code, of } = await examine(home);
  expect(code).toBe(0);
  expect(of("Documents")).toMatchObject([{ state: "ok" }]);
  expect(of("State folder")).toMatchObject([{ state: "ok" }]);
  expect(of("Clients")).toMatchObject([
    { state: "warning", advice: expect.stringMatching(/install/) },
  ]);
  expect(await readdir(home)).toEqual([]);
});

test("documents are counted by kind, and those that cannot be read are named", async () => {
  const home = await temporaryFolder();
  await writeFile(join(home, "a.md"), "# A\n\nText.\n");
  await writeFile(join(home, "b.md"), "# B\n\nText.\n");
  await writeFile(join(home, "c.txt"), Buffer.from([0, 1, 2]));
  const { code, of } = await examine(home, { documents: home });
  expect(code).toBe(0);
  const [finding] = of("Documents");
  expect(finding).toMatchObject({ state: "warning" });
  expect(finding?.message).toContain("3 files (2 .md, 1 .txt)");
  expect(finding?.message).toMatch(/1 cannot be read \(c\.txt is a binary file\)/);
});

test("a document folder that is missing is a problem, with what to do", async () => {
  const home = await temporaryFolder();
  const { code, of } = await examine(home, { documents: join(home, "missing") });
  expect(code).toBe(1);
  expect(of("Documents")).toMatchObject([
    {
      state: "problem",
      message: expect.stringContaining("missing"),
      advice: expect.stringMatching(/--documents/),
    },
  ]);
});

test("a damaged database, a bad price list and a bad script are problems", async () => {
  const home = await temporaryFolder();
  const stateDir = join(home, "state");
  await mkdir(stateDir);
  await writeFile(join(stateDir, "ledger.sqlite"), "no database".repeat(500));
  const file = join(home, "bad.json");
  await writeFile(file, '{ "base": "cheap" }');
  const { code, of } = await examine(home, { prices: file, script: file });
  expect(code).toBe(1);
  expect(of("Ledger")).toMatchObject([
    { state: "problem", advice: expect.stringMatching(/Move it away/) },
  ]);
  expect(of("Prices")).toMatchObject([{ state: "problem" }]);
  expect(of("Script")).toMatchObject([{ state: "problem" }]);
  expect(of("Documents")).toEqual([]);
});

test("a state folder below a file is a problem", async () => {
  const home = await temporaryFolder();
  await writeFile(join(home, "file"), "");
  expect(await checkStateFolder(join(home, "file", "state"))).toMatchObject({ state: "problem" });
});

test("a key is named by its fingerprint, and never shown", async () => {
  const { output, of } = await examine(await temporaryFolder(), {}, { PARALLEL_API_KEY: "key-1" });
  expect(of("Backend")).toMatchObject([
    { message: expect.stringMatching(/hosted, https:\/\/api\.parallel\.ai/) },
  ]);
  expect(of("Key")[0]?.message).toMatch(/fingerprint [0-9a-f]{16}$/);
  expect(output).not.toContain("key-1");
});

test("the clients that know this server are named, and what they start must exist", async () => {
  const home = await temporaryFolder();
  const cursor = join(home, ".cursor", "mcp.json");
  const zed = join(home, ".config", "zed", "settings.json");
  const gemini = join(home, ".gemini", "settings.json");
  for (const file of [cursor, zed, gemini]) await mkdir(dirname(file), { recursive: true });
  await writeFile(
    cursor,
    '{ "mcpServers": { "research": { "command": "npx", "args": ["-y", "task-run-mcp@1"] }, "other": { "url": "x" } } }',
  );
  await writeFile(
    zed,
    '{ "context_servers": { "mine": { "command": "/gone/node", "args": ["/gone/task-run-mcp/dist/cli.js"] } } }',
  );
  await writeFile(gemini, "{ nonsense");
  const { code, of } = await examine(home);
  expect(code).toBe(1);
  expect(of("Clients")).toMatchObject([{ message: 'Cursor ("research"), Zed ("mine")' }]);
  expect(of("Zed")).toMatchObject([
    { state: "problem", message: expect.stringMatching(/\/gone\/node/) },
  ]);
  expect(of("Gemini CLI")).toMatchObject([
    { state: "warning", message: expect.stringMatching(/settings\.json:1:\d+/) },
  ]);
});

test.each([
  ["20.18.1", "ok"],
  ["20.19.0", "ok"],
  ["22.0.0", "ok"],
  ["20.18.0", "problem"],
  ["18.20.4", "problem"],
])("Node %s: %s", (version, state) => {
  expect(checkNode(version).state).toBe(state);
});

test("every wrong setting is named, and none hides the next", async () => {
  const home = await temporaryFolder();
  const { code, of } = await examine(
    home,
    { allowNetworks: "10.1.2.3/8" },
    {
      TASK_RUN_MCP_PORT: "http",
      TASK_RUN_MCP_BUDGET_USD: "five",
      TASK_RUN_MCP_WEBHOOK_SECRETS: "decoded:%%secret%%",
    },
  );
  expect(code).toBe(1);
  const messages = of("Settings").map(({ message }) => message);
  expect(
    messages.map((message) => /The setting (\S+) is wrong/.exec(message)?.[1] ?? "").toSorted(),
  ).toEqual([
    "--allow-networks",
    "TASK_RUN_MCP_BUDGET_USD",
    "TASK_RUN_MCP_PORT",
    "TASK_RUN_MCP_WEBHOOK_SECRETS",
  ]);
  expect(messages.join()).not.toContain("%%secret%%");
});

test("for a person it prints a line a check, and an arrow to what to do", async () => {
  const home = await temporaryFolder();
  const stdout = new PassThrough();
  const flags = { stateDir: join(home, "state"), documents: join(home, "none") };
  const { config, problems, nameOf } = readSettings(flags, {});
  await doctorCommand({
    config,
    wrongSettings: problems,
    nameOf,
    version: "1.2.3",
    nodeVersion: process.versions.node,
    program: { nodePath: process.execPath, cliPath: "/x/cli.js" },
    machine: { platform: "linux", home, env: {} },
    isOffline: true,
    json: false,
    signal: new AbortController().signal,
    stdout,
  });
  stdout.end();
  const output = await text(stdout);
  expect(output).toMatch(/^✓ Version {9}1\.2\.3/);
  expect(output).toMatch(/\n✗ Documents .*\n +→ Set --documents/);
});
