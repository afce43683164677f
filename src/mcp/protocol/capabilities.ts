import type { ServerCapabilities } from "@modelcontextprotocol/server";

/**
 * The extension that answers a call with a task (SEP-2663). Here a task is a view of a run: its id is the run id, nothing
 * else is stored, and every process that reaches the backend can answer for it.
 */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** The capabilities of one server. The handshake needs them before the MCP SDK is loaded. */
export function capabilitiesOf({
  prompts,
  hasSubscriptions,
  hasTasks,
}: {
  prompts: readonly unknown[];
  hasSubscriptions: boolean;
  hasTasks: boolean;
}): ServerCapabilities {
  return {
    tools: { listChanged: false },
    resources: { listChanged: false, subscribe: hasSubscriptions },
    completions: {},
    ...(prompts.length > 0 && { prompts: { listChanged: false } }),
    ...(hasTasks && { extensions: { [TASKS_EXTENSION]: {} } }),
  };
}
