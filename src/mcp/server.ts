import { CLIENT_INFO_META_KEY, McpServer, type ServerContext } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { z } from "zod";
import type { Clock } from "../client/clock.ts";
import { type Backend, BackendUnavailable } from "./backend.ts";
import { type ToolServices, callTool } from "./call-tool.ts";
import { describeServer } from "./instructions.ts";
import type { Toolset } from "./tool.ts";
import { shownSchema, wireSchema } from "./tool-schema.ts";
import { TOOLS, chooseTools } from "./tools.ts";
import { type WaitPolicy, defaultWaitPolicy } from "./wait-policy.ts";

export interface TaskRunServerDeps {
  /**
   * Called by every tool call, so it keeps what it opened; and by nothing else, because listing tools must not open a
   * database or a connection.
   */
  backend: () => Promise<Backend>;
  version: string;
  log: Logger;
  clock: Clock;
  waits?: Partial<WaitPolicy>;
  /** What a run without `processor` runs on. */
  defaultProcessor?: string | undefined;
  /** US dollars that may be spent in a UTC day. */
  budgetUsdPerDay?: number | undefined;
  /** All of them by default. */
  toolsets?: readonly Toolset[];
  /** Offers only tools that start, change and spend nothing; wins over everything else. */
  isReadOnly?: boolean;
}

/** The cheapest tier that is meant for more than one or two facts. */
const DEFAULT_PROCESSOR = "base";

/** Tools never change while a process lives; five minutes later another version may answer. */
const TOOLS_TTL_MS = 300_000;

/** What the SDK registers, made once per process: a server is built per connection, over HTTP per request. */
const REGISTRATIONS = TOOLS.map((tool) => {
  const { name, title, description, hints } = tool;
  const shownInput = shownSchema(tool.input, "input");
  return {
    tool,
    name,
    shownInput,
    config: {
      title,
      description,
      inputSchema: wireSchema(shownInput),
      outputSchema: wireSchema(shownSchema(tool.output, "output")),
      annotations: {
        title,
        readOnlyHint: hints.readOnly,
        destructiveHint: hints.destructive,
        idempotentHint: hints.idempotent,
        openWorldHint: hints.openWorld,
      },
    },
  };
});

/** A factory of MCP servers for both protocol eras; pass it to a transport. */
export function createTaskRunServer(deps: TaskRunServerDeps): () => McpServer {
  const services: ToolServices = {
    openBackend: () => openBackend(deps.backend),
    defaultProcessor: deps.defaultProcessor ?? DEFAULT_PROCESSOR,
    budgetUsdPerDay: deps.budgetUsdPerDay,
    waitPolicy: { ...defaultWaitPolicy, ...deps.waits },
    clock: deps.clock,
    log: deps.log,
  };
  const chosen = chooseTools(deps);
  const instructions = describeServer(chosen);
  const registrations = REGISTRATIONS.filter(({ tool }) => chosen.includes(tool));
  return () => {
    const server = new McpServer(
      { name: "task-run-mcp", title: "Task runs", version: deps.version },
      {
        instructions,
        capabilities: { tools: { listChanged: false } },
        cacheHints: { "tools/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "public" } },
      },
    );
    for (const { tool, name, shownInput, config } of registrations) {
      server.registerTool(name, config, (args, context) =>
        callTool(tool, shownInput, args, services, {
          mcpReq: context.mcpReq,
          clientName: clientNameOf(server, context),
        }),
      );
    }
    return server;
  };
}

const ClientInfo = z.object({ name: z.string() });

/** What the client calls itself: in each request since 2026-07-28, before that once per connection. */
function clientNameOf({ server }: McpServer, { mcpReq }: ServerContext): string | undefined {
  const named = ClientInfo.safeParse(
    Object.entries(mcpReq.envelope ?? {}).find(([key]) => key === CLIENT_INFO_META_KEY)?.[1],
  );
  // The SDK marks this accessor as old, and it is: there is no other for clients of the old revisions.
  // oxlint-disable-next-line typescript/no-deprecated
  return named.success ? named.data.name : server.getClientVersion()?.name;
}

async function openBackend(open: () => Promise<Backend>): Promise<Backend> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof BackendUnavailable) throw error;
    throw new BackendUnavailable("The server's log (stderr) has the cause.", { cause: error });
  }
}
