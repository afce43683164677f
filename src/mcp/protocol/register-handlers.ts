import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import type { Principal } from "../../runtime/request-facts.ts";
import type { ResourceNews } from "./subscriptions/run-update-publisher.ts";
import type { Prompt } from "./prompts/prompt.ts";
import { servePrompts } from "./prompts/serve-prompts.ts";
import { serveResources } from "./resources/serve-resources.ts";
import { serveCompletions } from "./completions.ts";
import { type TaskServices, serveTasks } from "./tasks-extension.ts";
import type { CallContext, CallServices } from "../runs/call-context.ts";
import type { CatalogBackend } from "../tool.ts";
import type { TraceWork } from "../calls/trace-request.ts";

/** What one server offers besides tools. */
export interface Offer {
  prompts: readonly Prompt[];
  /** Null where news could not reach the client: over HTTP before 2026-07-28 nothing stays open between requests. */
  news: ResourceNews | null;
  hasTasks: boolean;
}

/** Answers everything that is not a tool. */
export function serveBesideTools(
  server: McpServer,
  { prompts, news, hasTasks }: Offer,
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
  serveResources(server, {
    contextOf,
    trace,
    catalogBackend,
    follow: news && ((uri, publish) => news.follow([uri], principal, publish)),
    log,
  });
  serveCompletions(server, prompts, services);
  if (prompts.length > 0) servePrompts(server, prompts);
  if (hasTasks) serveTasks(server, { contextOf, trace, getTaskRun });
}
