import { chmod, lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { exitCodeOf } from "../../../src/commands/exit-code.ts";
import {
  type InstallOptions,
  installCommand,
  listClientsCommand,
} from "../../../src/commands/setup/install/install.ts";
import { CLIENTS } from "../../../src/commands/setup/install/clients.ts";
import {
  readConfigFile,
  replaceConfigFile,
} from "../../../src/commands/setup/install/config-file.ts";
import { temporaryFolder } from "../../engine/start-test-engine.ts";

class TestTerminal extends PassThrough {
  isTTY = true;
}

/** Runs the command against a home folder of its own. */
async function install(home: string, options: Partial<InstallOptions> = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await installCommand({
    client: "cursor",
    name: "task-run",
    action: "install",
    isConfirmed: true,
    env: {},
    secrets: [],
    notes: [],
    program: { nodePath: "/usr/bin/node", cliPath: "/opt/task-run-mcp/dist/cli.js" },
    machine: { platform: "linux", home, env: {} },
    now: new Date("2026-11-24T09:00:00Z"),
    signal: new AbortController().signal,
    terminal: { stdin: new PassThrough(), stdout },
    stderr,
    ...options,
  });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

test("a new file is made for its owner only, with what is written shown first", async () => {
  const home = await temporaryFolder();
  const { code, stdout } = await install(home);
  const file = join(home, ".cursor", "mcp.json");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^--- .*mcp\.json\n\+\+\+ .*mcp\.json\n@@/);
  expect(stdout).toContain('+      "command": "/usr/bin/node"');
  expect(stdout).not.toContain("Before:");
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
    mcpServers: {
      "task-run": { command: "/usr/bin/node", args: ["/opt/task-run-mcp/dist/cli.js"] },
    },
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(dirname(file))).toEqual(["mcp.json"]);
});

test("the same once more changes nothing, and --remove takes it out again", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  const before = '{\n  // mine\n  "mcpServers": {\n    "a": {} // first\n  }\n}\n';
  await write(file, before);
  await chmod(file, 0o640);
  await install(home);
  const written = await readFile(file, "utf8");
  const again = await install(home);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing to do") });
  expect(await readFile(file, "utf8")).toBe(written);

  const now = new Date("2026-11-24T09:00:01Z");
  const removed = await install(home, { action: "remove", now });
  expect(removed.stdout).toContain("-    }");
  expect(await readFile(file, "utf8")).toBe(before);
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  const [first, second] = (await readdir(dirname(file))).filter((name) => name.includes(".bak-"));
  expect(await readFile(join(dirname(file), first ?? ""), "utf8")).toBe(before);
  expect(await readFile(join(dirname(file), second ?? ""), "utf8")).toBe(written);
  const gone = await install(home, { action: "remove" });
  expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing to do") });
});

test("no secret is shown: neither ours nor those of the lines around", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  await write(
    file,
    '{\n  "mcpServers": {\n    "a": {\n      "args": ["--pat", "ghp_other"],\n      "env": { "GITHUB_TOKEN": "ghp_secret" }\n    }\n  }\n}\n',
  );
  const env = { PARALLEL_API_KEY: 'our"key', TASK_RUN_MCP_WEBHOOK_SECRETS: "hook" };
  const { stdout } = await install(home, { env, secrets: ['our"key'] });
  expect(await readFile(file, "utf8")).toContain(String.raw`"PARALLEL_API_KEY": "our\"key"`);
  expect(stdout).toContain('"PARALLEL_API_KEY": "[redacted]"');
  expect(stdout).not.toMatch(/ghp_|our|hook"/);
  const removed = await install(home, { action: "remove", now: new Date(0) });
  expect(removed.stdout).not.toMatch(/ghp_|our|hook"/);
});

test("--print prints the block alone, and touches nothing", async () => {
  const home = await temporaryFolder();
  const { code, stdout, stderr } = await install(home, { action: "print", client: "codex" });
  expect(code).toBe(0);
  expect(stdout).toBe(
    '[mcp_servers.task-run]\ncommand = "/usr/bin/node"\nargs = [ "/opt/task-run-mcp/dist/cli.js" ]\nstartup_timeout_sec = 60\n',
  );
  expect(stderr).toContain(join(home, ".codex", "config.toml"));
  expect(await readdir(home)).toEqual([]);
});

test.each([
  ["y\n", 0, true],
  ["YES\n", 0, true],
  ["n\n", 1, false],
  ["\n", 1, false],
  [null, 1, false],
])("a terminal is asked, and %j decides", async (answer, code, isWritten) => {
  const home = await temporaryFolder();
  const stdin = new TestTerminal();
  const stdout = new TestTerminal();
  if (answer === null) stdin.end();
  else stdin.write(answer);
  const result = await install(home, { isConfirmed: false, terminal: { stdin, stdout } });
  expect(result.code).toBe(code);
  expect((await readdir(home)).length > 0).toBe(isWritten);
});

test("without a terminal nothing is written unless --yes says so", async () => {
  const home = await temporaryFolder();
  const refused = install(home, { isConfirmed: false });
  await expect(refused).rejects.toThrow(/--yes/);
  await refused.catch((error: unknown) => expect(exitCodeOf(error)).toBe(2));
  expect(await readdir(home)).toEqual([]);
});

test.each([
  ["damaged", '{ "mcpServers": ', /mcp\.json:1:\d+: cannot be read/],
  ["not UTF-8", Buffer.from([0xff, 0xfe, 0x7b, 0x00]), /not UTF-8/],
])("a file that is %s is not touched, and the exit code is 2", async (_name, content, message) => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  await mkdir(dirname(file));
  await writeFile(file, content);
  const refused = install(home);
  await expect(refused).rejects.toThrow(message);
  await refused.catch((error: unknown) => expect(exitCodeOf(error)).toBe(2));
  expect(await readFile(file)).toEqual(Buffer.from(content));
  expect(await readdir(dirname(file))).toEqual(["mcp.json"]);
});

test("a link stays a link, and a byte order mark stays", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  const target = join(home, "dotfiles.json");
  await writeFile(target, '\uFEFF{ "mcpServers": {} }');
  await mkdir(dirname(file));
  await symlink(target, file);
  await install(home);
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  const written = await readFile(target, "utf8");
  expect(written.startsWith("\uFEFF{")).toBe(true);
  expect(JSON.parse(written.slice(1))).toHaveProperty("mcpServers.task-run");
});

test("a file that another program changed meanwhile is not overwritten", async () => {
  const file = join(await temporaryFolder(), "mcp.json");
  await writeFile(file, "{}");
  const found = await readConfigFile(file);
  await writeFile(file, '{ "new": 1 }');
  await expect(replaceConfigFile(found, "{}\n", new Date(0))).rejects.toThrow(/another program/);
  expect(await readFile(file, "utf8")).toBe('{ "new": 1 }');
  expect(await readdir(dirname(file))).toEqual(["mcp.json"]);
});

test.each(Object.values(CLIENTS))(
  "$title gets what it can read back, and loses it again",
  async (client) => {
    const home = await temporaryFolder();
    const { stdout } = await install(home, { client: client.id });
    const file = client.file({ platform: "linux", home, env: {} });
    expect(stdout).toContain(`Written: ${file}`);
    expect(stdout).toContain(client.reload);
    expect(await install(home, { client: client.id })).toMatchObject({ code: 0 });
    await install(home, { client: client.id, action: "remove" });
    expect(await readFile(file, "utf8")).not.toContain("task-run");
  },
);

test.each(["", "a b", "__proto__", "with_underscore", "-x", "x".repeat(61)])(
  "the name %j is refused",
  async (name) => {
    const home = await temporaryFolder();
    await expect(install(home, { name })).rejects.toThrow(/--name/);
  },
);

const MCP_URL = "https://mcp.example.com/mcp";
const TOKEN = "t0ken-that-nobody-sees";

test.each(Object.values(CLIENTS).filter(({ remote }) => typeof remote !== "string"))(
  "$title gets a server at a URL, and its token is shown nowhere",
  async (client) => {
    const home = await temporaryFolder();
    const options = { client: client.id, remote: { url: MCP_URL, token: TOKEN }, secrets: [TOKEN] };
    const printed = await install(home, { ...options, action: "print" });
    const { stdout, stderr } = await install(home, options);
    const file = client.file({ platform: "linux", home, env: {} });
    const written = await readFile(file, "utf8");
    expect(written).toContain(MCP_URL);
    expect(written).toContain(`Bearer ${TOKEN}`);
    expect(written).not.toContain("cli.js");
    const removed = await install(home, { ...options, action: "remove" });
    const shown = [stdout, stderr, printed.stdout, printed.stderr, removed.stdout].join();
    expect(shown).toContain(MCP_URL);
    expect(shown).not.toContain(TOKEN);
    expect(await readFile(file, "utf8")).not.toContain(TOKEN);
  },
);

test("a client whose file takes no URL says where it does", async () => {
  const options = { client: "claude-desktop", remote: { url: MCP_URL, token: undefined } } as const;
  await expect(install(await temporaryFolder(), options)).rejects.toThrow(/Settings, Connectors/);
});

test("every file that a client reads is written, after one question", async () => {
  const home = await temporaryFolder();
  const folder = join(home, ".config", "opencode");
  await write(join(folder, "opencode.json"), "{}");
  await write(join(folder, "opencode.jsonc"), "// mine\n{}");
  const stdin = new TestTerminal();
  stdin.write("y\n");
  const terminal = { stdin, stdout: new TestTerminal() };
  await install(home, { client: "opencode", isConfirmed: false, terminal });
  for (const name of ["opencode.json", "opencode.jsonc"]) {
    expect(await readFile(join(folder, name), "utf8")).toContain("cli.js");
  }
});

test("an entry of another server is not taken out, whatever its name", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".cursor", "mcp.json");
  const before =
    '{ "mcpServers": { "github": { "command": "gh" }, "far": { "url": "https://x.example/mcp" } } }';
  await write(file, before);
  for (const name of ["github", "far"]) {
    await expect(install(home, { action: "remove", name })).rejects.toThrow(
      /does not start task-run-mcp/,
    );
  }
  expect(await readFile(file, "utf8")).toBe(before);
  await install(home, {
    action: "remove",
    name: "far",
    remote: { url: "https://x.example/mcp", token: undefined },
  });
  expect(await readFile(file, "utf8")).not.toContain("far");
});

test("passwords are not shown: in the URL of a proxy, and in the YAML of others", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".config", "goose", "config.yaml");
  await write(
    file,
    "extensions:\n  other:\n    envs:\n      GITHUB_TOKEN: ghp_secret\n    args:\n      - ghp_arg\n",
  );
  const env = { HTTPS_PROXY: "http://ada:hunter2@proxy.example:3128" };
  const { stdout } = await install(home, { client: "goose", env });
  expect(await readFile(file, "utf8")).toContain("http://ada:hunter2@proxy.example:3128");
  const printed = await install(home, { client: "goose", env, action: "print" });
  const removed = await install(home, { client: "goose", action: "remove", now: new Date(0) });
  const shown = stdout + printed.stdout + removed.stdout;
  expect(shown).toContain("HTTPS_PROXY: http://[redacted]@proxy.example:3128");
  expect(shown).not.toMatch(/hunter2|ghp_/);
});

test("without a client, those found here are listed, with what they have of this server", async () => {
  const home = await temporaryFolder();
  const program = { nodePath: "/usr/bin/node", cliPath: "/opt/task-run-mcp/dist/cli.js" };
  const machine = { platform: "linux" as const, home, env: {} };
  const list = async (action: "install" | "uninstall") => {
    const stdout = new PassThrough();
    const code = await listClientsCommand({ action, program, machine, stdout });
    stdout.end();
    expect(code).toBe(0);
    return text(stdout);
  };
  expect(await list("install")).toMatch(/^No known client.*\nKnown: claude-desktop, claude-code/);
  expect(await list("uninstall")).toMatch(/no client.*Nothing to do/);
  await mkdir(join(home, ".kiro", "settings"), { recursive: true });
  await install(home);
  expect(await list("install")).toMatch(
    /^Found here:\n {2}cursor +has "task-run" +\S+mcp\.json\n {2}kiro +- +\S+mcp\.json\n\n/,
  );
  const ours = await list("uninstall");
  expect(ours).toContain("cursor");
  expect(ours).not.toContain("kiro");
});

test.skipIf(process.platform !== "linux")(
  "a folder that cannot be created is named, at once",
  async () => {
    const file = { path: "/proc/deep/mcp.json", bytes: null, text: "", hasByteOrderMark: false };
    await expect(replaceConfigFile(file, "{}", new Date())).rejects.toThrow(
      "/proc/deep/mcp.json: its folder cannot be created; nothing was changed.",
    );
  },
);
