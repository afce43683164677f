import type { McpServer, ServerCapabilities, ServerContext } from "@modelcontextprotocol/server";
import type { Caller } from "./caller.ts";
import type { ResourceNews } from "./news/resource-news.ts";
import type { Prompt } from "./prompts/prompt.ts";
import { servePrompts } from "./prompts/serve-prompts.ts";
import { serveResources } from "./resources/serve-resources.ts";
import { serveCompletions } from "./serve-completions.ts";
import { TASKS_EXTENSION } from "./tasks-capability.ts";
import { type TaskServices, serveTasks } from "./tasks-extension.ts";
import type { ToolContext } from "./tool.ts";

/** What one server offers besides tools. */
export interface Offer {
  prompts: readonly Prompt[];
  /** Null where news could not reach the client: over HTTP before 2026-07-28 nothing stays open between requests. */
  news: ResourceNews | null;
  hasTasks: boolean;
}

export function capabilitiesOf({ prompts, news, hasTasks }: Offer): ServerCapabilities {
  return {
    tools: { listChanged: false },
    resources: { listChanged: false, subscribe: news !== null },
    completions: {},
    ...(prompts.length > 0 && { prompts: { listChanged: false } }),
    ...(hasTasks && { extensions: { [TASKS_EXTENSION]: {} } }),
  };
}

/** Answers everything that is not a tool. */
export function serveBesideTools(
  server: McpServer,
  { prompts, news, hasTasks }: Offer,
  services: Pick<ToolContext, "openBackend" | "log"> & {
    caller: Caller;
    contextOf(request: ServerContext): ToolContext;
    getTaskRun: TaskServices["getTaskRun"];
  },
): void {
  const { caller, contextOf, getTaskRun, log } = services;
  serveResources(server, {
    contextOf,
    follow: news && ((uri, publish) => news.follow([uri], caller, publish)),
    log,
  });
  serveCompletions(server, prompts, services);
  if (prompts.length > 0) servePrompts(server, prompts);
  if (hasTasks) serveTasks(server, { contextOf, getTaskRun });
}
