import { experimental_createMCPClient as createAiSdkClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as AiSdkTransport } from "@ai-sdk/mcp/mcp-stdio";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { BINARY } from "../e2e/built-binary.ts";

/** A tool of a framework, called the way its agents call it. */
type CallTool = (name: string, args: Record<string, unknown>) => Promise<string>;

async function launch() {
  return {
    command: process.execPath,
    args: [BINARY, "--log-level", "error"],
    env: {
      PATH: process.env["PATH"] ?? "",
      TASK_RUN_MCP_STATE_DIR: await temporaryFolder(),
    },
  };
}

const frameworks: Record<string, () => Promise<CallTool>> = {
  async "LangChain's MCP adapters"() {
    const client = new MultiServerMCPClient({
      mcpServers: { "task-run": { transport: "stdio", ...(await launch()) } },
    });
    onTestFinished(() => client.close());
    const tools = await client.getTools();
    return async (name, args) => {
      const tool = tools.find((one) => one.name === name);
      return JSON.stringify(await tool?.invoke(args));
    };
  },
  async "the AI SDK's MCP client"() {
    const client = await createAiSdkClient({ transport: new AiSdkTransport(await launch()) });
    onTestFinished(() => client.close());
    const tools = await client.tools();
    return async (name, args) => {
      const options = { toolCallId: "1", messages: [] };
      return JSON.stringify(await tools[name]?.execute(args, options));
    };
  },
};

test.each(Object.keys(frameworks))(
  "%s gets from a question to an answer with its source, and hears an honest cancel",
  async (framework) => {
    const call = await frameworks[framework]?.();
    if (call === undefined) throw new Error("unknown framework");
    const created = await call("create_task_run", { input: "What was the GDP of France in 2023?" });
    const [runId] = created.match(/trun_[0-9a-f]+/) ?? [];
    const answer = await call("get_task_run", { run_id: runId, wait_seconds: 25 });
    expect(answer).toContain("$3.05 trillion");
    expect(answer).toContain("https://data.worldbank.org/");
    expect(await call("cancel_task_run", { run_id: runId })).toContain("already_finished");
  },
);
