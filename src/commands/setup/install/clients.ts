import type { Machine } from "../../../settings/folders.ts";
import {
  CLAUDE_DESKTOP_FILE,
  CLINE_FILE,
  CLINE_EXTENSION,
  packagedClaudeDesktop,
  opencodeFile,
  devinFile,
  gooseFile,
  inHome,
  inFolder,
  inApplicationData,
  zedFile,
  type ListFolder,
} from "./client-files.ts";
import type { ConfigObject } from "./merge-entry.ts";

export const CLIENT_IDS = [
  "claude-desktop",
  "claude-code",
  "cursor",
  "vscode",
  "copilot-cli",
  "devin",
  "windsurf",
  "antigravity",
  "gemini-cli",
  "codex",
  "opencode",
  "cline",
  "goose",
  "kiro",
  "junie",
  "lm-studio",
  "warp",
  "zed",
] as const;
export type ClientId = (typeof CLIENT_IDS)[number];

/** A server that the client starts. */
export interface LocalServer {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** A running server. */
export interface RemoteServer {
  url: string;
  headers: Record<string, string>;
}

/** The file in which a client stores its MCP servers, and its format. */
export interface ClientSpec {
  id: ClientId;
  title: string;
  /** The user's file; projects may have others. */
  file(machine: Machine): string;
  /** Other places of the same file, each read by some version of the client. Only existing ones count. */
  otherFiles?(machine: Machine, listFolder: ListFolder): Promise<string[]>;
  format: "json" | "toml" | "yaml";
  /** The name of the object that has the servers by name. */
  container: string;
  /** An object inside the container where newer versions store the servers; used in files that have it. */
  innerContainer?: string;
  local(server: LocalServer, name: string): ConfigObject;
  /** A text tells the user what to do instead, because the client's file only supports servers that it starts. */
  remote: ((server: RemoteServer, name: string) => ConfigObject) | string;
  /** Other fields that the client needs; existing values stay. */
  defaults?: ConfigObject;
  /** How the user makes the client read its file again. */
  reload: string;
}

/** The first start of a package downloads it; Codex gives up after 10 s by default. */
const STARTUP_SECONDS = 60;
/** The limit of a call that Goose itself writes. */
const GOOSE_TIMEOUT_SECONDS = 300;

/** `{ command, args, env }`, the form of most clients. */
function plainLocal({ command, args, env }: LocalServer): ConfigObject {
  return { command, args, ...filled("env", env) };
}

/** `{ url, headers }`, the form of most clients. Some have another key for the URL, or a type. */
function plainRemote(key = "url", fields: ConfigObject = {}) {
  return ({ url, headers }: RemoteServer): ConfigObject => ({
    ...fields,
    [key]: url,
    ...filled("headers", headers),
  });
}

/** The field, unless its value is empty. */
function filled(field: string, value: Record<string, string>): ConfigObject {
  return Object.keys(value).length === 0 ? {} : { [field]: value };
}

/** A JSON file with `mcpServers` and entries in the usual form. */
const USUAL = {
  format: "json",
  container: "mcpServers",
  local: plainLocal,
  remote: plainRemote(),
} as const;

/** The clients that `install` knows. */
export const CLIENTS: Readonly<Record<ClientId, ClientSpec>> = {
  "claude-desktop": {
    ...USUAL,
    id: "claude-desktop",
    title: "Claude Desktop",
    file: (machine) => inApplicationData(machine, "Claude", CLAUDE_DESKTOP_FILE),
    otherFiles: packagedClaudeDesktop,
    remote: "Add the URL in Claude Desktop itself: Settings, Connectors.",
    reload: "Quit Claude Desktop and open it again.",
  },
  "claude-code": {
    ...USUAL,
    id: "claude-code",
    title: "Claude Code",
    file: (machine) => inFolder(machine, machine.env["CLAUDE_CONFIG_DIR"], [], ".claude.json"),
    local: (server) => ({ type: "stdio", ...plainLocal(server) }),
    remote: plainRemote("url", { type: "http" }),
    reload: "Start a new Claude Code session.",
  },
  cursor: {
    ...USUAL,
    id: "cursor",
    title: "Cursor",
    file: (machine) => inHome(machine, ".cursor", "mcp.json"),
    reload: "Cursor notices the change; enable the server in its settings if it asks.",
  },
  vscode: {
    ...USUAL,
    id: "vscode",
    title: "VS Code",
    file: (machine) => inApplicationData(machine, "Code", "User", "mcp.json"),
    container: "servers",
    local: (server) => ({ type: "stdio", ...plainLocal(server) }),
    remote: plainRemote("url", { type: "http" }),
    reload: 'Run "MCP: List Servers" in VS Code and start it there.',
  },
  "copilot-cli": {
    ...USUAL,
    id: "copilot-cli",
    title: "GitHub Copilot CLI",
    file: (machine) =>
      inFolder(machine, machine.env["COPILOT_HOME"], [".copilot"], "mcp-config.json"),
    local: (server) => ({ type: "stdio", ...plainLocal(server) }),
    remote: plainRemote("url", { type: "http" }),
    defaults: { tools: ["*"] },
    reload: "Start Copilot CLI again.",
  },
  devin: {
    ...USUAL,
    id: "devin",
    title: "Devin Desktop",
    file: devinFile,
    reload: "Refresh the MCP servers in Devin Desktop, or restart it.",
  },
  windsurf: {
    ...USUAL,
    id: "windsurf",
    title: "Windsurf",
    file: (machine) => inHome(machine, ".codeium", "windsurf", "mcp_config.json"),
    remote: plainRemote("serverUrl"),
    reload:
      "Refresh the servers in Windsurf's MCP settings, or restart it. Newer versions are called Devin Desktop: use `install devin` for them.",
  },
  antigravity: {
    ...USUAL,
    id: "antigravity",
    title: "Antigravity",
    file: (machine) => inHome(machine, ".gemini", "config", "mcp_config.json"),
    remote: plainRemote("serverUrl"),
    reload: "Refresh the servers in Antigravity (Manage MCP Servers), or start its CLI again.",
  },
  "gemini-cli": {
    ...USUAL,
    id: "gemini-cli",
    title: "Gemini CLI",
    file: (machine) => inHome(machine, ".gemini", "settings.json"),
    remote: plainRemote("httpUrl"),
    reload: "Start Gemini CLI again.",
  },
  codex: {
    ...USUAL,
    id: "codex",
    title: "Codex",
    file: (machine) => inFolder(machine, machine.env["CODEX_HOME"], [".codex"], "config.toml"),
    format: "toml",
    container: "mcp_servers",
    remote: ({ url, headers }) => ({ url, ...filled("http_headers", headers) }),
    defaults: { startup_timeout_sec: STARTUP_SECONDS },
    reload: "Start Codex again.",
  },
  opencode: {
    ...USUAL,
    id: "opencode",
    title: "OpenCode",
    file: (machine) => opencodeFile(machine, "opencode.json"),
    otherFiles: async (machine) => [opencodeFile(machine, "opencode.jsonc")],
    container: "mcp",
    innerContainer: "servers",
    local: ({ command, args, env }) => ({
      type: "local",
      command: [command, ...args],
      ...filled("environment", env),
    }),
    remote: plainRemote("url", { type: "remote" }),
    reload: "Start OpenCode again.",
  },
  cline: {
    ...USUAL,
    id: "cline",
    title: "Cline",
    file: (machine) =>
      machine.env["CLINE_MCP_SETTINGS_PATH"] ||
      inHome(machine, ".cline", "data", "settings", CLINE_FILE),
    otherFiles: async (machine) => [
      inApplicationData(machine, "Code", "User", "globalStorage", ...CLINE_EXTENSION, CLINE_FILE),
    ],
    remote: plainRemote("url", { type: "streamableHttp" }),
    reload: "Cline notices the change; its CLI reads it at its next start.",
  },
  goose: {
    ...USUAL,
    id: "goose",
    title: "Goose",
    file: gooseFile,
    format: "yaml",
    container: "extensions",
    local: ({ command, args, env }, name) => ({
      type: "stdio",
      name,
      cmd: command,
      args,
      ...filled("envs", env),
    }),
    remote: ({ url, headers }, name) => ({
      type: "streamable_http",
      name,
      uri: url,
      ...filled("headers", headers),
    }),
    defaults: { enabled: true, timeout: GOOSE_TIMEOUT_SECONDS },
    reload: "Start a new Goose session.",
  },
  kiro: {
    ...USUAL,
    id: "kiro",
    title: "Kiro",
    file: (machine) => inHome(machine, ".kiro", "settings", "mcp.json"),
    reload: "Kiro notices the change; its CLI reads it at its next start.",
  },
  junie: {
    ...USUAL,
    id: "junie",
    title: "Junie (JetBrains)",
    file: (machine) => inHome(machine, ".junie", "mcp", "mcp.json"),
    reload:
      "Enable the server in the IDE: Settings, Tools, Junie, MCP Settings. AI Assistant takes the block of --print in Settings, Tools, AI Assistant, MCP.",
  },
  "lm-studio": {
    ...USUAL,
    id: "lm-studio",
    title: "LM Studio",
    file: (machine) => inHome(machine, ".lmstudio", "mcp.json"),
    otherFiles: async (machine) => [inHome(machine, ".cache", "lm-studio", "mcp.json")],
    reload: "LM Studio notices the change; enable the server in a chat.",
  },
  warp: {
    ...USUAL,
    id: "warp",
    title: "Warp",
    file: (machine) => inHome(machine, ".warp", ".mcp.json"),
    reload: "Start the server in Warp: Settings, Agents, MCP servers.",
  },
  zed: {
    ...USUAL,
    id: "zed",
    title: "Zed",
    file: zedFile,
    container: "context_servers",
    reload: "Zed notices the change.",
  },
};
