// The tools for a LangChain agent. Run after `npm run build`: node examples/library/langchain.mjs
// Needs the package @langchain/mcp-adapters.
import { fileURLToPath } from "node:url";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";

const client = new MultiServerMCPClient({
  mcpServers: {
    "task-run": {
      transport: "stdio",
      // With the package installed: command "npx", args ["task-run-mcp", "stdio"].
      command: process.execPath,
      args: [fileURLToPath(new URL("../../dist/cli.js", import.meta.url))],
      env: { ...process.env, TASK_RUN_MCP_LOG_LEVEL: "error" },
    },
  },
});
try {
  // An agent takes these tools directly: createAgent({ model, tools }). This example calls them itself.
  const tools = Object.fromEntries((await client.getTools()).map((tool) => [tool.name, tool]));
  const started = await tools["create_task_run"].invoke({
    input: "What was the GDP of France in 2023?",
  });
  const [runId] = JSON.stringify(started).match(/trun_\w+/);
  const answer = await tools["get_task_run"].invoke({ run_id: runId, wait_seconds: 30 });
  console.log(typeof answer === "string" ? answer : answer.map(({ text }) => text).join("\n"));
} finally {
  await client.close();
}
