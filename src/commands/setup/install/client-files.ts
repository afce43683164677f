import { posix, win32 } from "node:path";
import type { Machine } from "../../../settings/folders.ts";

/** The names in a folder; empty when it does not exist. */
export type ListFolder = (folder: string) => Promise<string[]>;

export const CLAUDE_DESKTOP_FILE = "claude_desktop_config.json";

/** Installed as a Windows package (MSIX), Claude Desktop reads a private copy of the usual folder. */
export async function packagedClaudeDesktop(machine: Machine, list: ListFolder): Promise<string[]> {
  if (machine.platform !== "win32") return [];
  const local = machine.env["LOCALAPPDATA"] || inHome(machine, "AppData", "Local");
  const packages = win32.join(local, "Packages");
  const names = (await list(packages)).filter((name) => /^Claude_/i.test(name));
  return names.map((name) =>
    win32.join(packages, name, "LocalCache", "Roaming", "Claude", CLAUDE_DESKTOP_FILE),
  );
}

export function isPackaged(file: string): boolean {
  return /\\Packages\\/.test(file);
}

export const CLINE_FILE = "cline_mcp_settings.json";
export const CLINE_EXTENSION = ["saoudrizwan.claude-dev", "settings"];

/** OpenCode uses `~/.config` on every platform. */
export function opencodeFile(machine: Machine, name: string): string {
  const { XDG_CONFIG_HOME: moved } = machine.env;
  return pathsOf(machine).join(moved || inHome(machine, ".config"), "opencode", name);
}

export function devinFile(machine: Machine): string {
  return machine.platform === "win32"
    ? inApplicationData(machine, "devin", "mcp_config.json")
    : inHome(machine, ".config", "devin", "mcp_config.json");
}

export function gooseFile(machine: Machine): string {
  return machine.platform === "win32"
    ? inApplicationData(machine, "Block", "goose", "config", "config.yaml")
    : inHome(machine, ".config", "goose", "config.yaml");
}

/** The path functions of the machine's platform; a test may describe another machine than this one. */
export function pathsOf({ platform }: Pick<Machine, "platform">): typeof posix {
  return platform === "win32" ? win32 : posix;
}

export function inHome(machine: Machine, ...parts: string[]): string {
  return pathsOf(machine).join(machine.home, ...parts);
}

/** A file in the folder that a variable names, else in the usual folder in the home folder. */
export function inFolder(
  machine: Machine,
  named: string | undefined,
  usual: readonly string[],
  file: string,
): string {
  return named ? pathsOf(machine).join(named, file) : inHome(machine, ...usual, file);
}

/** The folder where desktop applications store their settings. */
export function inApplicationData(machine: Machine, ...parts: string[]): string {
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

/** Unlike other desktop applications, Zed uses `~/.config` on macOS too. */
export function zedFile(machine: Machine): string {
  switch (machine.platform) {
    case "win32":
      return inApplicationData(machine, "Zed", "settings.json");
    case "darwin":
      return inHome(machine, ".config", "zed", "settings.json");
    default:
      return inApplicationData(machine, "zed", "settings.json");
  }
}
