// The tools for the AI SDK. Run after `npm run build`: node examples/library/ai-sdk.mjs
// Needs the package @ai-sdk/mcp.
import { fileURLToPath } from "node:url";
import { experimental_createMCPClient as createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";

const client = await createMCPClient({
  transport: new StdioTransport({
    // With the package installed: command "npx", args ["task-run-mcp", "stdio"].
    command: process.execPath,
    args: [fileURLToPath(new URL("../../dist/cli.js", import.meta.url))],
    env: { ...process.env, TASK_RUN_MCP_LOG_LEVEL: "error" },
  }),
});
try {
  // A model takes these tools directly: generateText({ model, tools, prompt }). This example calls them itself.
  const tools = await client.tools();
  const call = (name, args) => tools[name].execute(args, { toolCallId: name, messages: [] });
  const started = await call("create_task_run", { input: "What was the GDP of France in 2023?" });
  const runId = started.structuredContent.run_id;
  const answer = await call("get_task_run", { run_id: runId, wait_seconds: 30 });
  console.log(answer.content.map(({ text }) => text).join("\n"));
} finally {
  await client.close();
}
