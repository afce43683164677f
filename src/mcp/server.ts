import {
  CLIENT_INFO_META_KEY,
  type CallToolResult,
  type McpRequestContext,
  type McpServer,
  type ServerContext,
  type ServerOptions,
  type StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { z } from "zod";
import { readTrace } from "../client/http/trace-context.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Principal, type RequestFacts, requestFactsOf } from "../runtime/request-facts.ts";
import type { Webhook } from "../task-api/run-input.ts";
import type { JsonObject } from "../task-api/task-spec.ts";
import type { ToolServices, dispatchCall } from "./calls/run-tool-call.ts";
import {
  type TraceRequest,
  type TraceWork,
  describeRequest,
  passTraceOn,
} from "./calls/trace-request.ts";
import { type CatalogOptions, createCatalog, describeTool, serverInfo } from "./catalog.ts";
import { CleanServer } from "./clean-server.ts";
import { capabilitiesOf } from "./protocol/capabilities.ts";
import { registerHandlers } from "./protocol/register-handlers.ts";
import type { RunUpdatePublisher } from "./protocol/subscriptions.ts";
import { declaresTasks } from "./protocol/tasks-extension.ts";
import { FILES_REPLACED, filesWereReplaced } from "./replaced-files.ts";
import { type Backend, BackendUnavailable } from "./runs/backend.ts";
import { createCallContext } from "./runs/call-context.ts";
import { type WaitPolicy, defaultWaitPolicy } from "./runs/wait-policy.ts";
import type { ListedTool } from "./tool.ts";

export interface TaskRunServerDeps extends CatalogOptions {
  /**
   * The backend as one principal may use it. Called by every tool call, so it keeps what it opened; and by nothing else,
   * because listing tools must not open a database or a connection.
   */
  backend: (principal: Principal) => Promise<Backend>;
  version: string;
  log: Logger;
  clock: Clock;
  waits?: Partial<WaitPolicy>;
  /** The processor of runs that name none. */
  defaultProcessor?: string | undefined;
  /** The URL at which this server receives webhooks; runs are created with it unless a call gives its own. */
  webhookUrl?: string | undefined;
  /** US dollars that may be spent in a UTC day. */
  budgetUsdPerDay?: number | undefined;
  /** Aborts when the server shuts down: calls that wait are answered with what is known. */
  shutdownSignal?: AbortSignal;
  /** Publishes ended runs to subscribers; without it resources have no subscriptions. */
  publisher?: RunUpdatePublisher;
  /** Wraps the work of a request in its trace; by default the caller's trace is passed on, and nothing more. */
  traceRequest?: TraceRequest | undefined;
}

/** The cheapest processor that is intended for more than one or two facts. */
const DEFAULT_PROCESSOR = "base";

const CREATE_TASK_RUN = "create_task_run";
const GET_TASK_RUN = "get_task_run";

/** A factory of MCP servers for both protocol eras; pass it to a transport. */
export function createServerFactory(
  deps: TaskRunServerDeps,
): (request?: Partial<McpRequestContext>) => McpServer {
  const catalogs = {
    full: createCatalog(deps),
    readOnly: createCatalog({ ...deps, isReadOnly: true }),
  };
  // Created once: a server is built per connection, over HTTP per request.
  const configs = new Map(catalogs.full.tools.map((tool) => [tool.name, configOf(tool)]));
  const scopeOf = createRequestScopes(deps);
  return (request) => {
    const facts = requestFactsOf(request?.authInfo);
    const isHttp = request?.requestInfo !== undefined;
    const isModern = request?.era === "modern";
    const { tools, instructions, prompts } = facts.mayWrite ? catalogs.full : catalogs.readOnly;
    const scope = scopeOf(facts, isHttp);
    const hasTasks = isModern && tools.some(({ name }) => name === CREATE_TASK_RUN);

    function register(server: McpServer, { name }: ListedTool): void {
      server.registerTool(name, configs.get(name) ?? {}, (args, context) => {
        const result = scope.trace(context, () => scope.call(server, name, args, context), name);
        const isTask = name === CREATE_TASK_RUN && hasTasks && declaresTasks(context.mcpReq);
        return isTask ? toTask(result) : result;
      });
    }

    // Over HTTP a server lives for one request, and thousands may wait: it gets no more than that request needs.
    const called = tools.find(({ name }) => name === facts.calledTool);
    if (called !== undefined) {
      const capabilities = { tools: { listChanged: false } };
      const server = new CleanServer(serverInfo(deps.version), { instructions, capabilities });
      register(server, called);
      return server;
    }

    const publisher = (isModern || !isHttp) && deps.publisher ? deps.publisher : null;
    const features = { prompts, publisher, hasTasks };
    const server = new CleanServer(serverInfo(deps.version), {
      instructions,
      capabilities: capabilitiesOf({ ...features, hasSubscriptions: publisher !== null }),
      cacheHints: cacheHints(facts.principal),
    });
    for (const tool of tools) register(server, tool);
    const { services, trace, call } = scope;
    const log = scope.log();
    registerHandlers(server, features, {
      openBackend: services.openBackend,
      log,
      principal: facts.principal,
      contextOf: (context) =>
        createCallContext(services, {
          signal: context.mcpReq.signal,
          clientName: clientNameOf(server, context),
          log: () => log,
        }),
      catalogBackend: deps.catalogBackend,
      trace,
      getTaskRun: (args, context) => call(server, GET_TASK_RUN, args, context),
    });
    return server;
  };
}

/** The state that the calls of one request, or of one connection, share. */
interface RequestScope {
  services: ToolServices;
  log(): Logger;
  trace: TraceWork;
  call(
    server: McpServer,
    name: string,
    args: unknown,
    context: ServerContext,
  ): Promise<CallToolResult>;
}

function createRequestScopes(
  deps: TaskRunServerDeps,
): (facts: RequestFacts, isHttp: boolean) => RequestScope {
  const { traceRequest = passTraceOn, webhookUrl } = deps;
  const shared = {
    defaultProcessor: deps.defaultProcessor ?? DEFAULT_PROCESSOR,
    webhook: webhookTo(webhookUrl),
    budgetUsdPerDay: deps.budgetUsdPerDay,
    waitPolicy: { ...defaultWaitPolicy, ...deps.waits },
    clock: deps.clock,
    shutdownSignal: deps.shutdownSignal,
    log: deps.log,
  };
  const loadCalls = createCallsLoader();
  return ({ principal, budgetUsdPerDay, requestId, trace }, isHttp) => {
    const services: ToolServices = {
      ...shared,
      ownBudgetUsdPerDay: budgetUsdPerDay,
      openBackend: () => openBackend(() => deps.backend(principal)),
      requestId,
    };
    const httpTrace = readTrace(trace);
    return {
      services,
      log: () => (requestId === undefined ? deps.log : deps.log.child({ request_id: requestId })),
      trace: (context, work, tool) =>
        traceRequest(describeRequest(context, { tool, httpTrace, isHttp }), work),
      async call(server, name, args, context) {
        const { mcpReq } = context;
        const calls = await loadCalls();
        return calls.dispatchCall(name, args, services, {
          signal: mcpReq.signal,
          progressToken: mcpReq._meta?.progressToken,
          notify: (notification) => mcpReq.notify(notification),
          clientName: clientNameOf(server, context),
        });
      },
    };
  };
}

function webhookTo(url: string | undefined): Webhook | undefined {
  return url === undefined ? undefined : { url, event_types: ["task_run.status"] };
}

/** Loads the tools with the first call, and remembers the promise: `import()` takes time for loaded modules too. */
function createCallsLoader(): () => Promise<{ dispatchCall: typeof dispatchCall }> {
  let loading: Promise<{ dispatchCall: typeof dispatchCall }> | undefined;
  return () => (loading ??= load());

  async function load() {
    try {
      return await import("./calls/run-tool-call.ts");
    } catch (error) {
      loading = undefined;
      // The client is shown the message.
      throw filesWereReplaced(error) ? new Error(FILES_REPLACED, { cause: error }) : error;
    }
  }
}

async function toTask(result: Promise<CallToolResult>): Promise<CallToolResult> {
  const { asTask } = await import("./protocol/tasks-extension.ts");
  return asTask(await result);
}

/** Tools never change while a process lives; five minutes later another version may answer. */
const TOOLS_TTL_MS = 300_000;

/**
 * How long an answer may be cached, and whether a shared cache may store it (MCP 2026-07-28: Caching). With several
 * principals, tools and prompts depend on their scopes; the resource templates are the same for all.
 */
function cacheHints({ id }: Principal): NonNullable<ServerOptions["cacheHints"]> {
  const cacheScope = id === null ? "public" : "private";
  return {
    "tools/list": { ttlMs: TOOLS_TTL_MS, cacheScope },
    "prompts/list": { ttlMs: TOOLS_TTL_MS, cacheScope },
    "resources/templates/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "public" },
  };
}

/** The configuration of a tool for the SDK. */
function configOf(tool: ListedTool) {
  return {
    ...describeTool(tool),
    inputSchema: wireSchema(tool.shownInput),
    outputSchema: wireSchema(tool.shownOutput),
  };
}

/** Wraps a JSON Schema as the SDK registers it. It validates nothing: `runToolCall` reads arguments and names all problems. */
function wireSchema(shown: JsonObject): StandardSchemaWithJSON {
  return {
    "~standard": {
      version: 1,
      vendor: "task-run-mcp",
      validate: (value) => ({ value }),
      jsonSchema: { input: () => shown, output: () => shown },
    },
  };
}

const ClientInfo = z.object({ name: z.string() });

/** The name of the client: in each request since 2026-07-28, before that once per connection. */
function clientNameOf({ server }: McpServer, { mcpReq }: ServerContext): string | undefined {
  const info = Object.entries(mcpReq.envelope ?? {}).find(([key]) => key === CLIENT_INFO_META_KEY);
  if (info !== undefined) {
    const named = ClientInfo.safeParse(info[1]);
    if (named.success) return named.data.name;
  }
  // Deprecated by the SDK, and the only accessor for clients of the old revisions.
  // oxlint-disable-next-line typescript/no-deprecated
  return server.getClientVersion()?.name;
}

async function openBackend(open: () => Promise<Backend>): Promise<Backend> {
  try {
    const backend = await open();
    await backend.prices.settled();
    return backend;
  } catch (error) {
    if (error instanceof BackendUnavailable) throw error;
    const reason = "The server's log (stderr) has the cause.";
    throw new BackendUnavailable(filesWereReplaced(error) ? FILES_REPLACED : reason, {
      cause: error,
    });
  }
}
