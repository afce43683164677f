import {
  CLIENT_INFO_META_KEY,
  type McpRequestContext,
  McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { z } from "zod";
import type { Clock } from "../client/clock.ts";
import type { Webhook } from "../task-api/run-input.ts";
import { type Backend, BackendUnavailable } from "./backend.ts";
import type { ToolServices } from "./call-tool.ts";
import { type Caller, readRequestFacts } from "./caller.ts";
import { chooseTools } from "./choose-tools.ts";
import { describeServer } from "./instructions.ts";
import type { ResourceNews } from "./news/resource-news.ts";
import { choosePrompts } from "./prompts/serve-prompts.ts";
import { type Offer, capabilitiesOf, serveBesideTools } from "./serve-beside-tools.ts";
import { declaresTasks } from "./tasks-capability.ts";
import { silentProgress } from "./progress.ts";
import type { ListedTool, ToolContext, Toolset } from "./tool.ts";
import { TOOL_LIST } from "./tool-list.ts";
import { wireSchema } from "./wire-schema.ts";
import { type WaitPolicy, defaultWaitPolicy, waitLimitsOf } from "./wait-policy.ts";

export interface TaskRunServerDeps {
  /**
   * The backend as one caller may use it. Called by every tool call, so it keeps what it opened; and by nothing else,
   * because listing tools must not open a database or a connection.
   */
  backend: (caller: Caller) => Promise<Backend>;
  version: string;
  log: Logger;
  clock: Clock;
  waits?: Partial<WaitPolicy>;
  /** What a run without `processor` runs on. */
  defaultProcessor?: string | undefined;
  /** Where this server itself receives webhooks; runs are created with it unless a call names its own. */
  webhookUrl?: string | undefined;
  /** US dollars that may be spent in a UTC day. */
  budgetUsdPerDay?: number | undefined;
  /** All of them by default. */
  toolsets?: readonly Toolset[];
  /** Offers only tools that start, change and spend nothing; wins over everything else. */
  isReadOnly?: boolean;
  /** Aborts when the server is about to end: calls that wait are answered with what is known. */
  draining?: AbortSignal;
  /** Where subscribers hear of runs; without it nobody can subscribe. */
  news?: ResourceNews;
}

/** The cheapest tier that is meant for more than one or two facts. */
const DEFAULT_PROCESSOR = "base";

const CREATE_TASK_RUN = "create_task_run";
const GET_TASK_RUN = "get_task_run";

/** Tools never change while a process lives; five minutes later another version may answer. */
const TOOLS_TTL_MS = 300_000;

/** What agents are shown may differ by caller; what the templates of resources are does not. */
const CACHE_HINTS = {
  "tools/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "public" },
  "prompts/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "private" },
  "resources/templates/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "public" },
} as const;

/** What the SDK registers, made once per process: a server is built per connection, over HTTP per request. */
const CONFIGS = new Map(
  TOOL_LIST.map(({ name, title, description, hints, shownInput, shownOutput }) => [
    name,
    {
      title,
      description,
      inputSchema: wireSchema(shownInput),
      outputSchema: wireSchema(shownOutput),
      annotations: {
        title,
        readOnlyHint: hints.readOnly,
        destructiveHint: hints.destructive,
        idempotentHint: hints.idempotent,
        openWorldHint: hints.openWorld,
      },
    },
  ]),
);

/** A factory of MCP servers for both protocol eras; pass it to a transport. */
export function createTaskRunServer(
  deps: TaskRunServerDeps,
): (request?: Partial<McpRequestContext>) => McpServer {
  const shared = {
    defaultProcessor: deps.defaultProcessor ?? DEFAULT_PROCESSOR,
    webhook: webhookTo(deps.webhookUrl),
    budgetUsdPerDay: deps.budgetUsdPerDay,
    waitPolicy: { ...defaultWaitPolicy, ...deps.waits },
    clock: deps.clock,
    draining: deps.draining,
  };
  const offers = {
    full: offerOf(chooseTools(deps)),
    readOnly: offerOf(chooseTools({ ...deps, isReadOnly: true })),
  };
  return (request) => {
    const facts = readRequestFacts(request?.authInfo);
    const { caller, ownBudgetUsdPerDay, requestId, traceparent } = facts;
    const { instructions, tools, prompts } = facts.mayWrite ? offers.full : offers.readOnly;
    // Over HTTP this server lives for one request, and thousands may wait: it gets no more than that request needs.
    const called = tools.filter(({ name }) => name === facts.calledTool);
    const isModern = request?.era === "modern";
    const offer: Offer = {
      prompts,
      news: (isModern || request?.requestInfo === undefined) && deps.news ? deps.news : null,
      hasTasks: isModern && tools.some(({ name }) => name === CREATE_TASK_RUN),
    };
    const services: ToolServices = {
      ...shared,
      ownBudgetUsdPerDay,
      openBackend: () => openBackend(() => deps.backend(caller)),
      traceparent,
      log: requestId === undefined ? deps.log : deps.log.child({ request_id: requestId }),
    };
    const server = new McpServer(
      { name: "task-run-mcp", title: "Task runs", version: deps.version },
      {
        instructions,
        capabilities: capabilitiesOf(offer),
        cacheHints: CACHE_HINTS,
      },
    );
    const call = async (name: string, args: unknown, context: ServerContext) => {
      const { performCall } = await import("./perform-call.ts");
      const { mcpReq } = context;
      return performCall(name, args, services, {
        mcpReq,
        clientName: clientNameOf(server, context),
      });
    };
    for (const { name } of called.length > 0 ? called : tools) {
      server.registerTool(name, CONFIGS.get(name) ?? {}, async (args, context) => {
        const result = await call(name, args, context);
        if (name !== CREATE_TASK_RUN || !offer.hasTasks || !declaresTasks(context.mcpReq)) {
          return result;
        }
        const { asTask } = await import("./tasks-extension.ts");
        return asTask(result);
      });
    }
    if (called.length > 0) return server;
    serveBesideTools(server, offer, {
      ...services,
      caller,
      contextOf: (context): ToolContext => ({
        ...services,
        waits: waitLimitsOf(services.waitPolicy, clientNameOf(server, context)),
        callerLeft: context.mcpReq.signal,
        startProgress: () => silentProgress,
      }),
      getTaskRun: (args, context) => call(GET_TASK_RUN, args, context),
    });
    return server;
  };
}

function webhookTo(url: string | undefined): Webhook | undefined {
  return url === undefined ? undefined : { url, event_types: ["task_run.status"] };
}

/** What agents get: the tools, and what is said about them. */
function offerOf(tools: readonly ListedTool[]) {
  return { tools, instructions: describeServer(tools), prompts: choosePrompts(tools) };
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
