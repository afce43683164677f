import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CLIENTS, type ClientSpec } from "../../../src/commands/setup/install/clients.ts";
import { writeBlock } from "../../../src/commands/setup/install/edit-config.ts";
import type { ConfigObject } from "../../../src/commands/setup/install/merge-entry.ts";
import {
  createLocalServer,
  createRemoteServer,
} from "../../../src/commands/setup/install/server-entry.ts";
import { linux, mac, windows } from "./machines.ts";

/** A package that npx started. */
const program = { nodePath: "/usr/bin/node", cliPath: "/x/node_modules/task-run-mcp/dist/cli.js" };
const env = { TASK_RUN_MCP_DOCUMENTS: "/home/ada/notes" };

/** Also a place of a client's file, if it is there. */
const OTHER_FILES: Record<string, string> = {
  "claude-desktop":
    "Windows, installed as a package (MSIX): `%LOCALAPPDATA%\\Packages\\Claude_*\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json`",
  opencode: "or `opencode.jsonc` beside it, if that is there",
  cline:
    "VS Code extension, if its file is there: `globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json` in VS Code's `User` folder",
  "lm-studio": "older versions, if the file is there: `~/.cache/lm-studio/mcp.json`",
};

/** The part of docs/clients.md about a client, as the program would have it. */
function describeClient(client: ClientSpec): string {
  const [onLinux, onMac, onWindows] = [linux, mac, windows].map((machine) =>
    client.file(machine).replace(machine.home, "~").replace("~\\AppData\\Roaming", "%APPDATA%"),
  );
  const { id, remote } = client;
  const other = OTHER_FILES[id];
  return [
    `## ${client.title}`,
    "",
    `\`task-run-mcp install ${id}\``,
    "",
    `- Linux: \`${onLinux}\``,
    `- macOS: \`${onMac}\``,
    `- Windows: \`${onWindows}\``,
    ...(other === undefined ? [] : [`- ${other}`]),
    "",
    ...block(client, client.local(createLocalServer(env, program, linux), "task-run")),
    "",
    ...(typeof remote === "string"
      ? [`Its file takes no server at a URL. ${remote}`]
      : [
          `With \`--url ${URL_EXAMPLE}\`:`,
          "",
          ...block(client, remote(createRemoteServer(URL_EXAMPLE, "TOKEN"), "task-run")),
        ]),
    "",
    client.reload,
    "",
  ].join("\n");
}

const URL_EXAMPLE = "https://mcp.example.com/mcp";

/** The page is formatted as all of ours are. */
function block(client: ClientSpec, entry: ConfigObject): string[] {
  const text = writeBlock(client, "task-run", entry).trimEnd();
  return [`\`\`\`${client.format}`, text.replace(/\[ (.+) \]/, "[$1]"), "```"];
}

test("docs/clients.md says of every client what `install` does", async () => {
  const page = await readFile(new URL("../../../docs/clients.md", import.meta.url), "utf8");
  const written = page.slice(page.indexOf("\n## Claude Desktop") + 1);
  expect(written).toBe(Object.values(CLIENTS).map(describeClient).join("\n"));
});
