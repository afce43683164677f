import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { CLIENTS } from "../../../src/commands/setup/install/clients.ts";
import { removeEntry, setEntry } from "../../../src/commands/setup/install/edit-config.ts";
import { readJson } from "../../../src/commands/setup/install/edit-json.ts";
import { parse as readYaml } from "yaml";
import { readToml } from "../../../src/commands/setup/install/edit-toml.ts";

const Config = z.record(z.string(), z.unknown());
const { cursor, vscode, codex, goose, opencode } = CLIENTS;
const entry = { command: "npx", args: ["-y", "task-run-mcp"], env: { A: "1" } };
const named = { name: "task-run", entry, file: "mcp.json" };
const removed = { name: "task-run", file: "mcp.json" };

const WRITTEN = `{
  "command": "npx",
  "args": ["-y", "task-run-mcp"],
  "env": {
    "A": "1"
  }
}`;
const indented = (by: string) => WRITTEN.replaceAll("\n", `\n${by}`);

test("a file that is missing, empty or only a comment gets the entry", () => {
  expect(setEntry("", cursor, named)).toBe(
    `{\n  "mcpServers": {\n    "task-run": ${indented("    ")}\n  }\n}\n`,
  );
  expect(setEntry("// mine\n", cursor, named)).toMatch(/^\/\/ mine\n\{\n {2}"mcpServers"/);
});

test("comments, trailing commas and the layout of everything else stay as they are", () => {
  const before = `// mine
{
  "mcpServers": {
    "github": { "command": "gh", "args": ["x","y"] }, // works
    /* later */
  },
  "other":   true,
}
`;
  const after = setEntry(before, cursor, named);
  expect(after).toBe(
    before.replace("    /* later */\n", `    /* later */\n    "task-run": ${indented("    ")},\n`),
  );
  expect(removeEntry(after, cursor, removed)).toBe(before);
});

test.each([
  ["tabs", '{\n\t"mcpServers": {\n\t\t"a": {}\n\t}\n}\n', '\n\t\t"task-run": {\n\t\t\t"command"'],
  ["four spaces", '{\n    "x": 1\n}\n', '\n    "mcpServers": {\n        "task-run": {'],
  ["Windows line ends", '{\r\n  "x": 1\r\n}\r\n', '\r\n  "mcpServers": {\r\n    "task-run": {\r\n'],
])("an entry is written with the file's %s", (_name, before, part) => {
  const after = setEntry(before, cursor, named);
  expect(after).toContain(part);
  expect(after.replaceAll("\r\n", "").includes("\n")).toBe(!before.includes("\r\n"));
  expect(readJson(after)).toMatchObject({ mcpServers: { "task-run": entry } });
});

test("a file of one line can be edited, and stays strict JSON", () => {
  for (const before of [
    "{}",
    '{"mcpServers":{}}',
    '{"mcpServers":{"a":{"command":"b"}},"x":[1]}',
  ]) {
    const after = setEntry(before, cursor, named);
    expect(JSON.parse(after)).toMatchObject({ mcpServers: { "task-run": entry } });
    const again: unknown = JSON.parse(removeEntry(after, cursor, removed));
    expect(again).toEqual({ mcpServers: {}, ...JSON.parse(before) });
  }
});

test("an entry that is there keeps what somebody else put into it", () => {
  const before = `{
  "servers": {
    "task-run": {
      "type": "stdio",
      "command": "node", // old
      "args": ["old.js"],
      "disabled": true,
      "env": { "PARALLEL_API_KEY": "k" }
    }
  }
}
`;
  const after = setEntry(before, vscode, { ...named, entry: { type: "stdio", ...entry } });
  expect(after).toContain('"command": "npx", // old');
  expect(readJson(after)).toEqual({
    servers: {
      "task-run": {
        type: "stdio",
        command: "npx",
        args: ["-y", "task-run-mcp"],
        disabled: true,
        env: { PARALLEL_API_KEY: "k", A: "1" },
      },
    },
  });
  expect(setEntry(after, vscode, { ...named, entry: { type: "stdio", ...entry } })).toBe(after);
});

test("the last entry leaves no comma before it", () => {
  const before = '{\n  "mcpServers": {\n    "a": {}, // first\n    "task-run": {}\n  }\n}\n';
  const after = removeEntry(before, cursor, removed);
  expect(after).toBe('{\n  "mcpServers": {\n    "a": {} // first\n  }\n}\n');
});

test.each([
  ["a value is missing", '{\n  "a": \n}\n', /^mcp\.json:3:1: cannot be read \(value expected\)/],
  ["a comma is missing", '{ "a": 1 "b": 2 }', /^mcp\.json:1:10: cannot be read/],
  ["it is a list", "[]", /is not an object/],
  ["the servers are no object", '{ "mcpServers": [] }', /"mcpServers" is not an object/],
  ["a name stands twice", '{ "mcpServers": {}, "mcpServers": {} }', /changed safely/],
])("a JSON file is left alone when %s", (_name, before, message) => {
  expect(() => setEntry(before, cursor, named)).toThrow(message);
});

test("any JSON file keeps what it says, whatever is added, replaced and taken out", () => {
  const value = fc.jsonValue({ maxDepth: 2 });
  const others = fc.dictionary(
    fc.string().filter((key) => key !== "__proto__" && key !== "mcpServers"),
    value,
  );
  fc.assert(
    fc.property(others, others, fc.constantFrom(0, 1, 2, "\t"), (config, servers, space) => {
      const { "task-run": _none, ...rest } = servers;
      const whole = { ...config, mcpServers: rest };
      const text = JSON.stringify(whole, null, space);
      const after = setEntry(text, cursor, named);
      const expected = JSON.parse(text);
      expected.mcpServers["task-run"] = entry;
      expect(JSON.parse(after)).toEqual(expected);
      expect(JSON.parse(removeEntry(after, cursor, removed))).toEqual(JSON.parse(text));
    }),
  );
});

const TOML = `# mine
model = "o3"   # the best

[mcp_servers.github]
command = 'gh' # keep
args = ["a",
  "b", # why
]

# about projects
[projects."/home/ada/x"]
trust_level = "trusted"
note = """
[mcp_servers.task-run]
"""
`;
const BLOCK = `[mcp_servers.task-run]
command = "npx"
args = [ "-y", "task-run-mcp" ]
env = { A = "1" }
startup_timeout_sec = 60
`;

test("a TOML file gets a table at its end, and loses it again, with everything else untouched", () => {
  expect(setEntry("", codex, named)).toBe(BLOCK);
  const after = setEntry(TOML, codex, named);
  expect(after).toBe(`${TOML}\n${BLOCK}`);
  expect(setEntry(after, codex, named)).toBe(after);
  expect(removeEntry(after, codex, removed)).toBe(TOML);
});

test("a TOML table that is there is changed in its own lines only", () => {
  const before = `[mcp_servers.task-run] # mine
command = "old"
startup_timeout_sec = 30

[mcp_servers.task-run.env] # env
PARALLEL_API_KEY = 'k'

# about b
[mcp_servers.b]
command = 'q'
`;
  const after = setEntry(before, codex, named);
  expect(after).toContain('[mcp_servers.task-run] # mine\ncommand = "npx"\n');
  expect(after).toContain("startup_timeout_sec = 30\n");
  expect(after).toContain("[mcp_servers.task-run.env] # env\nPARALLEL_API_KEY = 'k'\n");
  expect(after.endsWith("\n# about b\n[mcp_servers.b]\ncommand = 'q'\n")).toBe(true);
  expect(readToml(after)).toEqual({
    mcp_servers: {
      "task-run": { ...entry, startup_timeout_sec: 30, env: { PARALLEL_API_KEY: "k", A: "1" } },
      b: { command: "q" },
    },
  });
  expect(removeEntry(after, codex, removed)).toBe("# about b\n[mcp_servers.b]\ncommand = 'q'\n");
});

test.each([
  ["inline", 'mcp_servers = { a = { command = "x" } } # inline\n'],
  ["by dotted keys", 'mcp_servers.a.command = "x"\n\n[other]\nx = 1\n'],
  ["an empty table", "[mcp_servers]\n"],
  ["with Windows line ends", 'a = 1\r\n\r\n[mcp_servers.b]\r\ncommand = "q" # c\r\n'],
  ["without an end of line", "a = 1"],
])("a TOML file with servers written %s is understood", (_name, before) => {
  const after = setEntry(before, codex, named);
  expect(readToml(after)).toMatchObject({ mcp_servers: { "task-run": entry } });
  if (before.includes("\r\n")) expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  const again = readToml(removeEntry(after, codex, removed));
  expect({ mcp_servers: {}, ...again }).toEqual({ mcp_servers: {}, ...readToml(before) });
});

test("a TOML file that cannot be read is left alone, and the place is named", () => {
  expect(() => setEntry("a = 1\nb = \n", codex, named)).toThrow(/^mcp\.json:2:\d+: cannot be read/);
});

const YAML = `# mine
GOOSE_PROVIDER: anthropic   # the best

extensions:
  # built in
  developer:
    enabled: true
    args: [a, "b"] # why
    bundled: true

  # later
  memory:
    type: builtin
    long: ${"words and ".repeat(20)}end
# last
GOOSE_MODE: auto
`;
const GOOSE_ENTRY = goose.local(
  { command: "npx", args: ["-y", "task-run-mcp"], env: { A: "1" } },
  "task-run",
);
const inGoose = { ...named, entry: GOOSE_ENTRY };

test("a YAML file keeps its comments, its order and its spelling", () => {
  const after = setEntry(YAML, goose, inGoose);
  expect(readYaml(after)).toMatchObject({
    extensions: {
      developer: { args: ["a", "b"] },
      "task-run": { ...GOOSE_ENTRY, enabled: true, timeout: 300 },
    },
  });
  const words = (text: string) =>
    text.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
  const kept = words(after);
  for (const line of words(YAML)) expect(kept).toContain(line);
  expect(setEntry(after, goose, inGoose)).toBe(after);
  expect(words(removeEntry(after, goose, removed))).toEqual(words(YAML));
});

test.each([
  ["empty", ""],
  ["only a comment", "# mine\n"],
  ["without extensions", "GOOSE_MODE: auto\n"],
  ["with no extension", "extensions: {}\n"],
  ["with Windows line ends", "a: 1 # c\r\nextensions:\r\n  b:\r\n    cmd: q\r\n"],
])("a YAML file that is %s gets the entry, and loses it again", (_name, before) => {
  const after = setEntry(before, goose, inGoose);
  expect(readYaml(after)).toMatchObject({ extensions: { "task-run": GOOSE_ENTRY } });
  for (const comment of before.match(/#.*/g) ?? []) expect(after).toContain(comment.trim());
  if (before.includes("\r\n")) expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  const again = Config.parse(readYaml(removeEntry(after, goose, removed)) ?? {});
  expect({ extensions: {}, ...again }).toEqual({
    extensions: {},
    ...Config.parse(readYaml(before) ?? {}),
  });
});

test("a YAML file that cannot be read is left alone, and the place is named", () => {
  expect(() => setEntry("a: 1\nb: [\n", goose, inGoose)).toThrow(
    /^mcp\.json:\d+:\d+: cannot be read/,
  );
});

test("a URL takes the place of a command, and the other way round; options of others stay", () => {
  const before =
    '{ "mcpServers": { "task-run": { "type": "stdio", "command": "npx", "args": [], "env": { "K": "1" }, "disabled": true } } }';
  const remote = { url: "https://x.example/mcp", headers: { Authorization: "Bearer t" } };
  const after = setEntry(before, cursor, { ...named, entry: remote });
  expect(JSON.parse(after)).toEqual({ mcpServers: { "task-run": { ...remote, disabled: true } } });
  const back = setEntry(after, cursor, named);
  expect(JSON.parse(back)).toEqual({ mcpServers: { "task-run": { ...entry, disabled: true } } });
});

test("OpenCode's servers are written where the file has them", () => {
  const open = {
    ...named,
    entry: opencode.local({ command: "npx", args: ["x"], env: { A: "1" } }, "task-run"),
  };
  const wanted = { type: "local", command: ["npx", "x"], environment: { A: "1" } };
  expect(readJson(setEntry("{}", opencode, open))).toEqual({ mcp: { "task-run": wanted } });
  const newer = setEntry('{ "mcp": { "servers": { "a": { "type": "local" } } } }', opencode, open);
  expect(readJson(newer)).toEqual({
    mcp: { servers: { a: { type: "local" }, "task-run": wanted } },
  });
  expect(readJson(removeEntry(newer, opencode, removed))).toEqual({
    mcp: { servers: { a: { type: "local" } } },
  });
});
