import { getRequestListener } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import {
  createLoopbackGuard,
  type LoopbackServer,
  startServer,
} from "../outgoing/guarded-servers.ts";
import { openRunMcpServers } from "../../../src/engine/mcp-servers/run-mcp-servers.ts";
import type { OpenMcpServers } from "../../../src/engine/research/ask-mcp-servers.ts";
import { MCP_LIMITS, type McpLimits } from "../../../src/engine/mcp-servers/limits.ts";
import { onFinished } from "../../on-finished.ts";
import { silentLog } from "../start-test-engine.ts";
import type { Logger } from "pino";

type Registered = Parameters<typeof createMcpHandler>[0];
type Answer = Awaited<ReturnType<Parameters<McpServer["registerTool"]>[2]>>;

/** A tool with one text argument; `answer` is text, a whole result, or what goes wrong. */
export interface TestTool {
  name: string;
  description?: string;
  argument?: string;
  annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean };
  answer(question: string): string | Answer | Promise<string | Answer>;
}

export interface TestMcpServer extends LoopbackServer {
  /** The address of the MCP endpoint. */
  endpoint: string;
  /** Every question that a tool was asked. */
  asked: string[];
}

/** A real MCP server on a loopback socket; closed when the test ends. */
export async function startMcpServer(
  tools: readonly TestTool[],
  { requiredKey }: { requiredKey?: string } = {},
): Promise<TestMcpServer> {
  const asked: string[] = [];
  const build: Registered = () => {
    const server = new McpServer({ name: "test", version: "1" });
    for (const { name, description = "", argument = "query", annotations, answer } of tools) {
      const inputSchema = z.object({ [argument]: z.string() });
      const options = { description, inputSchema, ...(annotations && { annotations }) };
      server.registerTool(name, options, async (args) => {
        const question = String(args[argument]);
        asked.push(question);
        const answered = await answer(question);
        return typeof answered === "string"
          ? { content: [{ type: "text", text: answered }] }
          : answered;
      });
    }
    return server;
  };
  const handler = createMcpHandler(build);
  onFinished(() => handler.close());
  const listen = getRequestListener((request: Request) => handler.fetch(request), {
    overrideGlobalObjects: false,
  });
  const server = await startServer((request, response) => {
    const key = request.headers["x-api-key"];
    if (requiredKey !== undefined && key !== requiredKey) {
      response.writeHead(401, "Unauthorized").end(`the key ${String(key)} is wrong`);
      return;
    }
    void listen(request, response);
  });
  return { ...server, endpoint: `${server.url}/mcp`, asked };
}

/** Opens servers as the engine does; only loopback servers of this test are reachable. */
export function createOpenMcpServers({
  limits = {},
  log = silentLog,
}: { limits?: Partial<McpLimits>; log?: Logger } = {}): OpenMcpServers {
  const guard = createLoopbackGuard();
  return (entries, signal) =>
    openRunMcpServers(entries, {
      fetch: guard.fetch,
      signal,
      log,
      limits: { ...MCP_LIMITS, ...limits },
    });
}
