import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CLIENTS, type ClientSpec } from "../../../src/commands/install/clients.ts";
import { writeBlock } from "../../../src/commands/install/edit-config.ts";
import { createServerEntry } from "../../../src/commands/install/server-entry.ts";
import { linux, mac, windows } from "./machines.ts";

/** A package that npx started. */
const program = { nodePath: "/usr/bin/node", cliPath: "/x/node_modules/task-run-mcp/dist/cli.js" };
const env = { TASK_RUN_MCP_DOCUMENTS: "/home/ada/notes" };

/** The part of docs/clients.md about a client, as the program would have it. */
function describeClient(client: ClientSpec): string {
  const [onLinux, onMac, onWindows] = [linux, mac, windows].map((machine) =>
    client.file(machine).replace(machine.home, "~").replace("~\\AppData\\Roaming", "%APPDATA%"),
  );
  const entry = createServerEntry(client, env, program, linux);
  return [
    `## ${client.title}`,
    "",
    `\`task-run-mcp install ${client.id}\``,
    "",
    `- Linux: \`${onLinux}\``,
    `- macOS: \`${onMac}\``,
    `- Windows: \`${onWindows}\``,
    "",
    `\`\`\`${client.format}`,
    // The page is formatted as all of ours are.
    writeBlock(client, "task-run", entry)
      .trimEnd()
      .replace(/\[ (.+) \]/, "[$1]"),
    "```",
    "",
    client.reload,
    "",
  ].join("\n");
}

test("docs/clients.md says of every client what `install` does", async () => {
  const page = await readFile(new URL("../../../docs/clients.md", import.meta.url), "utf8");
  const written = page.slice(page.indexOf("\n## ") + 1);
  expect(written).toBe(Object.values(CLIENTS).map(describeClient).join("\n"));
});
