// The whole path for real: starts our MCP server over stdio, asks it a question with an MCP client, draws the progress as
// it arrives, and prints the answer with its citations. Run `npm run demo`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import { cleanText } from "../src/text/clean-text.ts";
import { createProgressView } from "../src/commands/terminal/progress-view.ts";

const QUESTION = process.argv[2] ?? "What was the GDP of France in 2023?";

/** The fields of the run report that the demo reads; the tool's `outputSchema` has all fields. */
const Report = z.object({
  summary: z.string(),
  run_id: z.string(),
  status: z.string(),
  is_active: z.boolean(),
  output: z.string().optional(),
  citations: z.array(z.object({ url: z.string(), title: z.string().optional() })).optional(),
});

const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-demo-"));
const client = new Client({ name: "task-run-mcp-demo", version: "1.0.0" });
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [fileURLToPath(new URL("../dist/cli.js", import.meta.url)), "--log-level", "error"],
  // Pass PATH only: with an API key from the environment the demo would cost money.
  env: { PATH: process.env["PATH"] ?? "", TASK_RUN_MCP_STATE_DIR: stateDir },
});
const view = createProgressView(process.stderr);

async function callTool(name: string, args: Record<string, unknown>) {
  const result = await client.callTool(
    { name, arguments: args },
    {
      onprogress: ({ progress, message }) => {
        view.update({ percent: progress, message: message ?? "" });
      },
    },
  );
  if (result.isError) throw new Error(JSON.stringify(result.content));
  return Report.parse(result.structuredContent);
}

try {
  await client.connect(transport);
  console.log(`\n  Question  ${QUESTION}\n`);
  let report = await callTool("create_task_run", { input: QUESTION });
  console.log(`  Run       ${report.run_id} (${report.status})\n`);
  while (report.is_active || report.output === undefined) {
    report = await callTool("get_task_run", { run_id: report.run_id, wait_seconds: 45 });
    if (!report.is_active && report.output === undefined) throw new Error(report.summary);
  }
  view.end();
  console.log(`\n${cleanText(report.output)}\n`);
  for (const { url, title } of report.citations ?? []) {
    if (!report.output.includes(url)) console.log(cleanText(`  - ${title ?? ""}\n    ${url}`));
  }
  console.log("");
} finally {
  view.end();
  await client.close();
  await rm(stateDir, { recursive: true, force: true });
}
