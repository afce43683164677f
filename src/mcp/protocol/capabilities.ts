import type { ServerCapabilities } from "@modelcontextprotocol/server";
import type { Prompt } from "./prompts/prompt.ts";

/**
 * The MCP extension in which a call is answered with a task to ask about (SEP-2663). Here a task is a view on a run: its
 * id is the run id, and nothing is kept, so it lives as long as the run, on any process that reaches the backend.
 */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** What a client can do with one server, besides calling tools. */
export interface Abilities {
  prompts: readonly Prompt[];
  /** News of resources reaches the client. */
  hasNews: boolean;
  hasTasks: boolean;
}

export function capabilitiesOf({ prompts, hasNews, hasTasks }: Abilities): ServerCapabilities {
  return {
    tools: { listChanged: false },
    resources: { listChanged: false, subscribe: hasNews },
    completions: {},
    ...(prompts.length > 0 && { prompts: { listChanged: false } }),
    ...(hasTasks && { extensions: { [TASKS_EXTENSION]: {} } }),
  };
}
