import { expect, test } from "vitest";
import { CLIENTS, CLIENT_IDS, type ClientId } from "../../../src/commands/setup/install/clients.ts";
import { findClient } from "../../../src/commands/setup/install/find-client.ts";
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
    "copilot-cli",
    "/home/ada/.copilot/mcp-config.json",
    "/Users/ada/.copilot/mcp-config.json",
    "C:\\Users\\ada\\.copilot\\mcp-config.json",
  ],
  [
    "devin",
    "/home/ada/.config/devin/mcp_config.json",
    "/Users/ada/.config/devin/mcp_config.json",
    `${ROAMING}\\devin\\mcp_config.json`,
  ],
  [
    "antigravity",
    "/home/ada/.gemini/config/mcp_config.json",
    "/Users/ada/.gemini/config/mcp_config.json",
    "C:\\Users\\ada\\.gemini\\config\\mcp_config.json",
  ],
  [
    "opencode",
    "/home/ada/.config/opencode/opencode.json",
    "/Users/ada/.config/opencode/opencode.json",
    "C:\\Users\\ada\\.config\\opencode\\opencode.json",
  ],
  [
    "cline",
    "/home/ada/.cline/data/settings/cline_mcp_settings.json",
    "/Users/ada/.cline/data/settings/cline_mcp_settings.json",
    "C:\\Users\\ada\\.cline\\data\\settings\\cline_mcp_settings.json",
  ],
  [
    "goose",
    "/home/ada/.config/goose/config.yaml",
    "/Users/ada/.config/goose/config.yaml",
    `${ROAMING}\\Block\\goose\\config\\config.yaml`,
  ],
  [
    "kiro",
    "/home/ada/.kiro/settings/mcp.json",
    "/Users/ada/.kiro/settings/mcp.json",
    "C:\\Users\\ada\\.kiro\\settings\\mcp.json",
  ],
  [
    "junie",
    "/home/ada/.junie/mcp/mcp.json",
    "/Users/ada/.junie/mcp/mcp.json",
    "C:\\Users\\ada\\.junie\\mcp\\mcp.json",
  ],
  [
    "lm-studio",
    "/home/ada/.lmstudio/mcp.json",
    "/Users/ada/.lmstudio/mcp.json",
    "C:\\Users\\ada\\.lmstudio\\mcp.json",
  ],
  [
    "warp",
    "/home/ada/.warp/.mcp.json",
    "/Users/ada/.warp/.mcp.json",
    "C:\\Users\\ada\\.warp\\.mcp.json",
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

const LOCAL = "C:\\Users\\ada\\AppData\\Local";
const CLAUDE_FILE = "claude_desktop_config.json";
const USUAL = `${ROAMING}\\Claude\\${CLAUDE_FILE}`;
const packaged = (name: string) =>
  `${LOCAL}\\Packages\\${name}\\LocalCache\\Roaming\\Claude\\${CLAUDE_FILE}`;

test.each<[string, Record<string, string[]>, string[]]>([
  ["nothing", {}, [USUAL]],
  ["the usual file", { [`${ROAMING}\\Claude`]: [CLAUDE_FILE] }, [USUAL]],
  [
    "a Windows package, which sees only its own copy",
    { [`${LOCAL}\\Packages`]: ["Microsoft.X_1", "Claude_pzs8sxrjxfjjc"] },
    [packaged("Claude_pzs8sxrjxfjjc")],
  ],
  [
    "both, and a second package",
    {
      [`${ROAMING}\\Claude`]: [CLAUDE_FILE],
      [`${LOCAL}\\Packages`]: ["Claude_a", "Claude_b"],
    },
    [USUAL, packaged("Claude_a"), packaged("Claude_b")],
  ],
])(
  "Claude Desktop on Windows with %s: every file that is read is written",
  async (_name, disk, files) => {
    const list = async (folder: string) => disk[folder] ?? [];
    expect((await findClient(CLIENTS["claude-desktop"], windows, list)).files).toEqual(files);
  },
);

test("a file under the other name that a client reads is the one that is written", async () => {
  const list = async (folder: string) =>
    folder === "/home/ada/.config/opencode" ? ["opencode.jsonc"] : [];
  expect((await findClient(CLIENTS.opencode, linux, list)).files).toEqual([
    "/home/ada/.config/opencode/opencode.jsonc",
  ]);
});
