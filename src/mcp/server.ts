import {
  CLIENT_INFO_META_KEY,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  type CallToolResult,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type McpRequestContext,
  McpServer,
  type ServerContext,
  type ServerOptions,
  type Transport,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { readTrace } from "../client/http/trace-context.ts";
import type { Webhook } from "../task-api/run-input.ts";
import { cleanValue } from "../text/clean-text.ts";
import { type Backend, BackendUnavailable } from "./runs/backend.ts";
import type { ToolServices, dispatchCall } from "./calls/run-tool-call.ts";
import { type Principal, requestFactsOf } from "../runtime/request-facts.ts";
import { capabilitiesOf } from "./protocol/capabilities.ts";
import { type OfferLimits, describeTool, introduce, offerTo } from "./catalog.ts";
import type { RunUpdatePublisher } from "./protocol/subscriptions.ts";
import { type OtherFeatures, registerHandlers } from "./protocol/register-handlers.ts";
import { declaresTasks } from "./protocol/tasks-extension.ts";
import { createCallContext } from "./runs/call-context.ts";
import type { ListedTool } from "./tool.ts";
import { FILES_REPLACED, filesWereReplaced } from "./replaced-files.ts";
import {
  type TraceRequest,
  type TraceWork,
  describeRequest,
  passTraceOn,
} from "./calls/trace-request.ts";
import { wireSchema } from "./wire-schema.ts";
import { type WaitPolicy, defaultWaitPolicy } from "./runs/wait-policy.ts";

export interface TaskRunServerDeps extends OfferLimits {
  /**
   * The backend as one caller may use it. Called by every tool call, so it keeps what it opened; and by nothing else,
   * because listing tools must not open a database or a connection.
   */
  backend: (caller: Principal) => Promise<Backend>;
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
  /** Aborts when the server is about to end: calls that wait are answered with what is known. */
  shutdownSignal?: AbortSignal;
  /** Publishes ended runs to subscribers; without it resources have no subscriptions. */
  publisher?: RunUpdatePublisher;
  /** What a request's work is done in; by default the caller's trace is passed on, and nothing more. */
  traceRequest?: TraceRequest | undefined;
}

/** The cheapest tier that is meant for more than one or two facts. */
const DEFAULT_PROCESSOR = "base";

const CREATE_TASK_RUN = "create_task_run";
const GET_TASK_RUN = "get_task_run";

/** Tools never change while a process lives; five minutes later another version may answer. */
const TOOLS_TTL_MS = 300_000;

/**
 * How long an answer may be kept, and whether for everybody (MCP 2026-07-28: Caching). Where callers are told apart, what
 * agents are shown depends on their scopes; the templates of resources are the same for all.
 */
function cacheHints({ id }: Principal): NonNullable<ServerOptions["cacheHints"]> {
  const cacheScope = id === null ? "public" : "private";
  return {
    "tools/list": { ttlMs: TOOLS_TTL_MS, cacheScope },
    "prompts/list": { ttlMs: TOOLS_TTL_MS, cacheScope },
    "resources/templates/list": { ttlMs: TOOLS_TTL_MS, cacheScope: "public" },
  };
}

/** What the SDK registers of a tool. */
function configOf(tool: ListedTool) {
  return {
    ...describeTool(tool),
    inputSchema: wireSchema(tool.shownInput),
    outputSchema: wireSchema(tool.shownOutput),
  };
}

/**
 * A server all of whose messages show clean text: results, errors and progress, whatever the transport. What belongs to
 * the protocol (ids, tokens) stays as it came.
 */
class CleanServer extends McpServer {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(cleanMessage(message), options);
    return super.connect(transport);
  }
}

function cleanMessage(message: JSONRPCMessage): JSONRPCMessage {
  if ("result" in message) return { ...message, result: cleanValue(message.result) };
  if ("error" in message) return { ...message, error: cleanValue(asInvalidParams(message.error)) };
  if (message.params === undefined) return message;
  const { _meta, progressToken, ...params } = message.params;
  return {
    ...message,
    params: {
      ...cleanValue(params),
      ...(_meta !== undefined && { _meta }),
      ...(progressToken !== undefined && { progressToken }),
    },
  };
}

/** What the schema of a request refuses. */
const Issues = z.array(z.object({ path: z.array(z.unknown()), message: z.string() })).nonempty();
type JsonRpcError = JSONRPCErrorResponse["error"];

/** The SDK tells params that its schemas refuse as an internal error, with their issues in JSON. The mistake is the caller's. */
function asInvalidParams(error: JsonRpcError): JsonRpcError {
  if (error.code !== INTERNAL_ERROR || !error.message.startsWith("[")) return error;
  try {
    const issues = Issues.parse(JSON.parse(error.message));
    const lines = issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return {
      code: INVALID_PARAMS,
      message: `Invalid request: ${lines.join("; ")}`,
    };
  } catch {
    return error;
  }
}

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
    shutdownSignal: deps.shutdownSignal,
  };
  const { traceRequest = passTraceOn } = deps;
  const offers = {
    full: offerTo(deps),
    readOnly: offerTo({ ...deps, isReadOnly: true }),
  };
  // Made once: a server is built per connection, over HTTP per request.
  const configs = new Map(offers.full.tools.map((tool) => [tool.name, configOf(tool)]));
  /** Asked for once: `import()` takes its time also for what is there already. */
  let performing: Promise<{ dispatchCall: typeof dispatchCall }> | undefined;
  async function loadCalls() {
    try {
      return await import("./calls/run-tool-call.ts");
    } catch (error) {
      performing = undefined;
      // The client is shown the message.
      throw filesWereReplaced(error) ? new Error(FILES_REPLACED, { cause: error }) : error;
    }
  }
  return (request) => {
    const facts = requestFactsOf(request?.authInfo);
    const { principal, requestId } = facts;
    const httpTrace = readTrace(facts.trace);
    const { instructions, tools, prompts } = facts.mayWrite ? offers.full : offers.readOnly;
    // Over HTTP this server lives for one request, and thousands may wait: it gets no more than that request needs.
    const called = tools.filter(({ name }) => name === facts.calledTool);
    const isModern = request?.era === "modern";
    const isHttp = request?.requestInfo !== undefined;
    const offer: OtherFeatures = {
      prompts,
      publisher: (isModern || !isHttp) && deps.publisher ? deps.publisher : null,
      hasTasks: isModern && tools.some(({ name }) => name === CREATE_TASK_RUN),
    };
    const services: ToolServices = {
      ...shared,
      ownBudgetUsdPerDay: facts.budgetUsdPerDay,
      openBackend: () => openBackend(() => deps.backend(principal)),
      log: deps.log,
      requestId,
    };
    const server = new CleanServer(introduce(deps.version), {
      instructions,
      ...(called.length > 0
        ? { capabilities: { tools: { listChanged: false } } }
        : {
            capabilities: capabilitiesOf({ ...offer, hasSubscriptions: offer.publisher !== null }),
            cacheHints: cacheHints(principal),
          }),
    });
    const trace: TraceWork = (context, work, tool) =>
      traceRequest(describeRequest(context, { tool, httpTrace, isHttp }), work);
    const call = (name: string, args: unknown, context: ServerContext) =>
      (performing ??= loadCalls()).then((calls) =>
        calls.dispatchCall(name, args, services, {
          signal: context.mcpReq.signal,
          progressToken: context.mcpReq._meta?.progressToken,
          notify: (notification) => context.mcpReq.notify(notification),
          clientName: clientNameOf(server, context),
        }),
      );
    for (const { name } of called.length > 0 ? called : tools) {
      server.registerTool(name, configs.get(name) ?? {}, (args, context) => {
        const result = trace(context, () => call(name, args, context), name);
        if (name !== CREATE_TASK_RUN || !offer.hasTasks || !declaresTasks(context.mcpReq)) {
          return result;
        }
        return toTask(result);
      });
    }
    if (called.length > 0) return server;
    const log = requestId === undefined ? deps.log : deps.log.child({ request_id: requestId });
    registerHandlers(server, offer, {
      ...services,
      log,
      principal,
      contextOf: (context) =>
        createCallContext(services, {
          signal: context.mcpReq.signal,
          clientName: clientNameOf(server, context),
          log: () => log,
        }),
      catalogBackend: deps.catalogBackend,
      trace,
      getTaskRun: (args, context) => call(GET_TASK_RUN, args, context),
    });
    return server;
  };
}

async function toTask(result: Promise<CallToolResult>): Promise<CallToolResult> {
  const { asTask } = await import("./protocol/tasks-extension.ts");
  return asTask(await result);
}

function webhookTo(url: string | undefined): Webhook | undefined {
  return url === undefined ? undefined : { url, event_types: ["task_run.status"] };
}

const ClientInfo = z.object({ name: z.string() });

/** What the client calls itself: in each request since 2026-07-28, before that once per connection. */
function clientNameOf({ server }: McpServer, { mcpReq }: ServerContext): string | undefined {
  const said = Object.entries(mcpReq.envelope ?? {}).find(([key]) => key === CLIENT_INFO_META_KEY);
  if (said !== undefined) {
    const named = ClientInfo.safeParse(said[1]);
    if (named.success) return named.data.name;
  }
  // The SDK marks this accessor as old, and it is: there is no other for clients of the old revisions.
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
