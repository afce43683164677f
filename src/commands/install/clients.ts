import { posix, win32 } from "node:path";
import type { Machine } from "../../config.ts";

export const CLIENT_IDS = [
  "claude-desktop",
  "claude-code",
  "cursor",
  "vscode",
  "windsurf",
  "gemini-cli",
  "codex",
  "zed",
] as const;
export type ClientId = (typeof CLIENT_IDS)[number];

/** Where a client keeps its MCP servers, and how it writes them. */
export interface ClientSpec {
  id: ClientId;
  title: string;
  /** The user's own file; a client may have others, by project. */
  file(machine: Machine): string;
  format: "json" | "toml";
  /** The object that has an entry for each server, by its name. */
  container: string;
  /** What the client calls a server that it starts itself, where it wants to be told. */
  type?: "stdio";
  /** What makes the client read its file again. */
  reload: string;
}

/** Everything about the clients that `install` knows. */
export const CLIENTS: Readonly<Record<ClientId, ClientSpec>> = {
  "claude-desktop": {
    id: "claude-desktop",
    title: "Claude Desktop",
    file: (machine) => inApplicationData(machine, "Claude", "claude_desktop_config.json"),
    format: "json",
    container: "mcpServers",
    reload: "Quit Claude Desktop and open it again.",
  },
  "claude-code": {
    id: "claude-code",
    title: "Claude Code",
    file: (machine) => inFolder(machine, machine.env["CLAUDE_CONFIG_DIR"], [], ".claude.json"),
    format: "json",
    container: "mcpServers",
    type: "stdio",
    reload: "Start a new Claude Code session.",
  },
  cursor: {
    id: "cursor",
    title: "Cursor",
    file: (machine) => inHome(machine, ".cursor", "mcp.json"),
    format: "json",
    container: "mcpServers",
    reload: "Cursor notices the change; enable the server in its settings if it asks.",
  },
  vscode: {
    id: "vscode",
    title: "VS Code",
    file: (machine) => inApplicationData(machine, "Code", "User", "mcp.json"),
    format: "json",
    container: "servers",
    type: "stdio",
    reload: 'Run "MCP: List Servers" in VS Code and start it there.',
  },
  windsurf: {
    id: "windsurf",
    title: "Windsurf",
    file: (machine) => inHome(machine, ".codeium", "windsurf", "mcp_config.json"),
    format: "json",
    container: "mcpServers",
    reload: "Refresh the servers in Windsurf's MCP settings, or restart it.",
  },
  "gemini-cli": {
    id: "gemini-cli",
    title: "Gemini CLI",
    file: (machine) => inHome(machine, ".gemini", "settings.json"),
    format: "json",
    container: "mcpServers",
    reload: "Start Gemini CLI again.",
  },
  codex: {
    id: "codex",
    title: "Codex",
    file: (machine) => inFolder(machine, machine.env["CODEX_HOME"], [".codex"], "config.toml"),
    format: "toml",
    container: "mcp_servers",
    reload: "Start Codex again.",
  },
  zed: {
    id: "zed",
    title: "Zed",
    file: zedFile,
    format: "json",
    container: "context_servers",
    reload: "Zed notices the change.",
  },
};

/** Paths as the machine in question writes them, which need not be the one this runs on. */
export function pathsOf({ platform }: Pick<Machine, "platform">): typeof posix {
  return platform === "win32" ? win32 : posix;
}

function inHome(machine: Machine, ...parts: string[]): string {
  return pathsOf(machine).join(machine.home, ...parts);
}

/** In the folder that a variable names, else in its usual place in the home folder. */
function inFolder(
  machine: Machine,
  named: string | undefined,
  usual: readonly string[],
  file: string,
): string {
  return named ? pathsOf(machine).join(named, file) : inHome(machine, ...usual, file);
}

/** Where desktop applications keep their settings. */
function inApplicationData(machine: Machine, ...parts: string[]): string {
  const { platform, env } = machine;
  const { join } = pathsOf(machine);
  switch (platform) {
    case "win32":
      return join(env["APPDATA"] || inHome(machine, "AppData", "Roaming"), ...parts);
    case "darwin":
      return inHome(machine, "Library", "Application Support", ...parts);
    default:
      return join(env["XDG_CONFIG_HOME"] || inHome(machine, ".config"), ...parts);
  }
}

/** Unlike other desktop applications, Zed keeps to `~/.config` on macOS too. */
function zedFile(machine: Machine): string {
  switch (machine.platform) {
    case "win32":
      return inApplicationData(machine, "Zed", "settings.json");
    case "darwin":
      return inHome(machine, ".config", "zed", "settings.json");
    default:
      return inApplicationData(machine, "zed", "settings.json");
  }
}
