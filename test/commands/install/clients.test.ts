import { expect, test } from "vitest";
import { CLIENTS, CLIENT_IDS, type ClientId } from "../../../src/commands/install/clients.ts";
import { linux, mac, windows } from "./machines.ts";

const ROAMING = "C:\\Users\\ada\\AppData\\Roaming";

test.each<[ClientId, string, string, string]>([
  [
    "claude-desktop",
    "/home/ada/.config/Claude/claude_desktop_config.json",
    "/Users/ada/Library/Application Support/Claude/claude_desktop_config.json",
    `${ROAMING}\\Claude\\claude_desktop_config.json`,
  ],
  [
    "claude-code",
    "/home/ada/.claude.json",
    "/Users/ada/.claude.json",
    "C:\\Users\\ada\\.claude.json",
  ],
  [
    "cursor",
    "/home/ada/.cursor/mcp.json",
    "/Users/ada/.cursor/mcp.json",
    "C:\\Users\\ada\\.cursor\\mcp.json",
  ],
  [
    "vscode",
    "/home/ada/.config/Code/User/mcp.json",
    "/Users/ada/Library/Application Support/Code/User/mcp.json",
    `${ROAMING}\\Code\\User\\mcp.json`,
  ],
  [
    "windsurf",
    "/home/ada/.codeium/windsurf/mcp_config.json",
    "/Users/ada/.codeium/windsurf/mcp_config.json",
    "C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json",
  ],
  [
    "gemini-cli",
    "/home/ada/.gemini/settings.json",
    "/Users/ada/.gemini/settings.json",
    "C:\\Users\\ada\\.gemini\\settings.json",
  ],
  [
    "codex",
    "/home/ada/.codex/config.toml",
    "/Users/ada/.codex/config.toml",
    "C:\\Users\\ada\\.codex\\config.toml",
  ],
  [
    "zed",
    "/home/ada/.config/zed/settings.json",
    "/Users/ada/.config/zed/settings.json",
    `${ROAMING}\\Zed\\settings.json`,
  ],
])("the file of %s is found on Linux, macOS and Windows", (id, onLinux, onMac, onWindows) => {
  const files = [linux, mac, windows].map((machine) => CLIENTS[id].file(machine));
  expect(files).toEqual([onLinux, onMac, onWindows]);
});

test("every client has a specification under its own id", () => {
  expect(Object.values(CLIENTS).map(({ id }) => id)).toEqual(CLIENT_IDS);
});

test("folders that the user has moved are followed", () => {
  const moved = {
    ...linux,
    env: { XDG_CONFIG_HOME: "/data/config", CODEX_HOME: "/data/codex", CLAUDE_CONFIG_DIR: "/c" },
  };
  expect(CLIENTS.vscode.file(moved)).toBe("/data/config/Code/User/mcp.json");
  expect(CLIENTS.zed.file(moved)).toBe("/data/config/zed/settings.json");
  expect(CLIENTS.codex.file(moved)).toBe("/data/codex/config.toml");
  expect(CLIENTS["claude-code"].file(moved)).toBe("/c/.claude.json");
});

test("Windows without APPDATA falls back to where it usually is", () => {
  expect(CLIENTS.vscode.file({ ...windows, env: {} })).toBe(`${ROAMING}\\Code\\User\\mcp.json`);
});
