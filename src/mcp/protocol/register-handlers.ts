import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import type { Principal } from "../../runtime/request-facts.ts";
import type { TraceWork } from "../calls/trace-request.ts";
import type { CallContext, CallServices } from "../runs/call-context.ts";
import type { CatalogBackend } from "../tool.ts";
import { registerCompletions } from "./completions.ts";
import type { Prompt } from "./prompts.ts";
import { registerPrompts } from "./serve-prompts.ts";
import { registerResources } from "./serve-resources.ts";
import type { RunUpdatePublisher } from "./subscriptions.ts";
import { type TaskServices, registerTasks } from "./tasks-extension.ts";

/** What one server has besides tools. */
export interface OtherFeatures {
  prompts: readonly Prompt[];
  /** Null over HTTP before 2026-07-28: nothing stays open between requests that could carry an update. */
  publisher: RunUpdatePublisher | null;
  hasTasks: boolean;
}

/** Registers the handlers of all requests but those about tools. */
export function registerHandlers(
  server: McpServer,
  { prompts, publisher, hasTasks }: OtherFeatures,
  services: Pick<CallServices, "openBackend"> & {
    log: Logger;
    principal: Principal;
    contextOf(request: ServerContext): CallContext;
    trace: TraceWork;
    getTaskRun: TaskServices["getTaskRun"];
    catalogBackend: CatalogBackend | undefined;
  },
): void {
  const { principal, contextOf, trace, getTaskRun, catalogBackend, log } = services;
  registerResources(server, {
    contextOf,
    trace,
    catalogBackend,
    subscribe: publisher && ((uri, publish) => publisher.subscribe([uri], principal, publish)),
    log,
  });
  registerCompletions(server, prompts, services);
  if (prompts.length > 0) registerPrompts(server, prompts);
  if (hasTasks) registerTasks(server, { contextOf, trace, getTaskRun });
}
