import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:https";
import { expect, onTestFinished, test, vi } from "vitest";
import { CERTIFICATE, CERTIFICATE_KEY } from "../client/certificate.ts";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { portOf, startProxy } from "../client/proxy.ts";
import { z } from "zod";
import { type DoctorOptions, doctorCommand } from "../../src/commands/setup/doctor/doctor.ts";
import { checkNode } from "../../src/commands/setup/doctor/check-environment.ts";
import { checkStateFolder } from "../../src/commands/setup/doctor/check-state.ts";
import { readSettings } from "../../src/config.ts";
import { NoHomeFolder } from "../../src/settings/folders.ts";
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
async function examine(
  home: string,
  flags: Flags = {},
  env: NodeJS.ProcessEnv = {},
  others: Partial<DoctorOptions> = {},
) {
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
    machine: { platform: "linux", home, env },
    isOffline: true,
    json: true,
    signal: new AbortController().signal,
    stdout,
    ...others,
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

test.skipIf(process.platform !== "linux")(
  "a state folder that cannot be created is a problem",
  async () => {
    expect(await checkStateFolder("/proc/task-run/state")).toMatchObject({
      state: "problem",
      message: expect.stringMatching(/cannot be created \(ENOENT\)/),
      advice: expect.stringMatching(/--state-dir/),
    });
  },
);

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

test("variables that look like settings and are none are named with the nearest one", async () => {
  const env = {
    TASK_RUN_MCP_DOCUMENT: "x",
    task_run_mcp_port: "1",
    TASK_RUN_MCP_PORT: "1",
    PARALLEL_BASEURL: "k",
    PARALLEL_WORKERS: "4",
    PATH: "/bin",
  };
  const { code, of } = await examine(await temporaryFolder(), {}, env);
  expect(code).toBe(0);
  expect(of("Variables").map(({ message, advice }) => [message, advice])).toEqual([
    ["TASK_RUN_MCP_DOCUMENT is not a setting", "Did you mean TASK_RUN_MCP_DOCUMENTS?"],
    ["task_run_mcp_port is not a setting", "Did you mean TASK_RUN_MCP_PORT?"],
    ["PARALLEL_BASEURL is not a setting", "Did you mean PARALLEL_BASE_URL?"],
  ]);
});

test("proxies are named without their credentials, and those that cannot be used with what to write", async () => {
  const env = {
    PARALLEL_API_KEY: "key-1",
    HTTPS_PROXY: "http://ada:hunter2@proxy.example:3128",
    HTTP_PROXY: "socks5://ada:hunter2@proxy.example",
  };
  const { output, of } = await examine(await temporaryFolder(), {}, env);
  expect(of("Proxy")).toMatchObject([
    {
      state: "ok",
      message:
        "http://proxy.example:3128 (HTTPS_PROXY, with credentials) for https://api.parallel.ai",
    },
    {
      state: "warning",
      message: "HTTP_PROXY names a SOCKS proxy, which is not supported",
      advice: expect.stringMatching(/^Write the URL of an HTTP proxy/),
    },
  ]);
  expect(output).not.toContain("hunter2");
  const only = await examine(await temporaryFolder(), {}, { ...env, HTTPS_PROXY: "socks4://x" });
  expect(only.of("Proxy")[0]).toMatchObject({ state: "problem" });
});

test("the backend is asked through the proxy, and a refusal of the proxy is told as one", async () => {
  const proxy = await startProxy({ refuseWith: 407 });
  const env = { PARALLEL_API_KEY: "key-1", HTTPS_PROXY: proxy.url.replace("//", "//ada:hunter2@") };
  const { code, output, of } = await examine(await temporaryFolder(), {}, env, {
    isOffline: false,
  });
  expect(code).toBe(1);
  expect(of("Reach")).toMatchObject([
    {
      state: "problem",
      message: expect.stringMatching(
        /refuses the user name or the password in HTTPS_PROXY \(407\)/,
      ),
    },
  ]);
  expect(proxy.asked).toEqual(["CONNECT api.parallel.ai:443"]);
  expect(output).not.toContain("hunter2");
});

test("a certificate that is not trusted leads to NODE_EXTRA_CA_CERTS", async () => {
  const server = createServer({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (_request, response) =>
    response.end(),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const env = { PARALLEL_BASE_URL: `https://localhost:${portOf(server.address())}` };
  const { of } = await examine(await temporaryFolder(), {}, env, { isOffline: false });
  expect(of("Reach")).toMatchObject([
    {
      state: "problem",
      message: expect.stringMatching(/certificate of the backend is not trusted \(\w+\)/),
      advice: expect.stringMatching(/NODE_EXTRA_CA_CERTS/),
    },
  ]);
});

test.each([
  ["missing", undefined, /ENOENT/],
  ["no certificate", "hello", /no PEM certificate/],
  ["damaged", CERTIFICATE.replace("MII", "AAA"), /cannot be used/],
])("a file of certificates that is %s is a problem", async (_name, content, message) => {
  const home = await temporaryFolder();
  const file = join(home, "ca.pem");
  if (content !== undefined) await writeFile(file, content);
  const { of } = await examine(home, {}, { NODE_EXTRA_CA_CERTS: file });
  expect(of("Certificates")).toMatchObject([
    { state: "problem", message: expect.stringMatching(message) },
  ]);
  await writeFile(file, `# company\n${CERTIFICATE}${CERTIFICATE}`);
  const { of: found } = await examine(home, {}, { NODE_EXTRA_CA_CERTS: file });
  expect(found("Certificates")).toMatchObject([
    { state: "ok", message: expect.stringContaining("2 certificates") },
  ]);
});

/** A server that lists one tool, as short as it can be. */
const SERVER = `
  const tool = { name: "t", inputSchema: { type: "object" } };
  const results = {
    initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } },
    "tools/list": { tools: [tool] },
  };
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method } = JSON.parse(line);
    if (results[method]) console.log(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }));
  });
`;
/** Writes down its own process and that of a child, and stays whatever happens. */
const STUBBORN = (file: string) => `
  const { spawn } = require("node:child_process");
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  require("node:fs").writeFileSync(${JSON.stringify(file)}, process.pid + " " + child.pid);
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1000);
`;

/** Doctor on a machine whose Cursor starts a script as this server. */
async function examineEntry(script: string, others: Partial<DoctorOptions> = {}) {
  const home = await temporaryFolder();
  const folder = join(home, "task-run-mcp");
  await mkdir(folder);
  await writeFile(join(folder, "cli.cjs"), script);
  await mkdir(join(home, ".cursor"));
  const entry = {
    command: process.execPath,
    args: [join(folder, "cli.cjs")],
    env: { TOKEN: "hunter2" },
  };
  await writeFile(
    join(home, ".cursor", "mcp.json"),
    JSON.stringify({ mcpServers: { "task-run": entry } }),
  );
  return examine(home, {}, {}, others);
}

test("an entry is started as its client would, and its tools are counted", async () => {
  const { code, of } = await examineEntry(SERVER);
  expect(of("Cursor")).toMatchObject([
    { state: "ok", message: '"task-run" starts and lists 1 tools' },
  ]);
  expect(code).toBe(0);
});

test("an entry that ends is told with its last words, without the values of its variables", async () => {
  const { code, of, output } = await examineEntry(
    'console.error("no such key: " + process.env.TOKEN); process.exit(3);',
  );
  expect(code).toBe(1);
  expect(of("Cursor")).toMatchObject([
    {
      state: "problem",
      message: '"task-run" does not start (it ended with code 3: no such key: [redacted])',
    },
  ]);
  expect(output).not.toContain("hunter2");
});

test("an entry that says nothing is given up, and nothing of it is left running", async () => {
  const pids = join(await temporaryFolder(), "pids");
  const { of } = await examineEntry(STUBBORN(pids), { startMs: 1_500 });
  expect(of("Cursor")).toMatchObject([
    { state: "problem", message: '"task-run" lists no tools within 1.5 s' },
  ]);
  const started = (await readFile(pids, "utf8")).split(" ").map(Number);
  expect(started).toHaveLength(2);
  for (const pid of started) await vi.waitFor(() => expect(isRunning(pid)).toBe(false));
});

/** A process that has ended and whose end nobody has asked for yet does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("an entry at a URL is asked for its tools with its token", async () => {
  const asked: (string | undefined)[] = [];
  const { url } = await startLoopbackServer((request, response) => {
    asked.push(request.headers.authorization);
    const results: Record<string, unknown> = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "s", version: "1" },
      },
      "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
    };
    void text(request).then((body) => {
      const { id, method } = body === "" ? { id: 0, method: "" } : JSON.parse(body);
      if (results[method] === undefined) response.writeHead(method === "" ? 405 : 202).end();
      else {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }));
      }
    });
  });
  const home = await temporaryFolder();
  await mkdir(join(home, ".cursor"));
  const entry = { url: `${url}/mcp`, headers: { Authorization: "Bearer hunter2" } };
  await writeFile(
    join(home, ".cursor", "mcp.json"),
    JSON.stringify({ mcpServers: { "task-run": entry } }),
  );
  const { of, output } = await examine(home, {}, {}, { isOffline: false });
  expect(of("Cursor")).toMatchObject([
    { state: "ok", message: `"task-run" at ${url}/mcp answers and lists 1 tools` },
  ]);
  expect(new Set(asked)).toEqual(new Set(["Bearer hunter2"]));
  expect(output).not.toContain("hunter2");
});

test("an entry by our name that starts files that were moved is named", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  await mkdir(dirname(file), { recursive: true });
  const gone = join(home, "gone", "cli.js");
  await writeFile(
    file,
    JSON.stringify({ mcpServers: { "task-run": { command: process.execPath, args: [gone] } } }),
  );
  const { of } = await examine(home);
  expect(of("Cursor")).toMatchObject([
    { state: "problem", message: `"task-run" starts ${gone}, which does not exist` },
  ]);
});

test("a user without a home folder is told so, after everything else", async () => {
  const home = await temporaryFolder();
  const machine = {
    platform: "linux" as const,
    env: {},
    get home(): string {
      throw new NoHomeFolder("none");
    },
  };
  const { code, of } = await examine(home, {}, {}, { machine });
  expect(code).toBe(0);
  expect(of("Clients")).toMatchObject([{ state: "warning", advice: "Set HOME." }]);
});

test("what the findings quote is shown without control characters", async () => {
  const env = { "TASK_RUN_MCP_\u001B[31mX\u202E": "1" };
  const { of } = await examine(await temporaryFolder(), {}, env);
  expect(of("Variables")).toMatchObject([{ message: "TASK_RUN_MCP_X is not a setting" }]);
});
