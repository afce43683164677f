/** The limits of a run's MCP servers in time and memory. */
export interface McpLimits {
  /** For connecting and listing the tools: a server that is up answers this in a second. */
  connectMs: number;
  /** For one tool call: a web search takes seconds, and a run must not wait for a server that hangs. */
  callMs: number;
  /** For ending the session, which MCP asks clients to do; the run does not depend on it. */
  farewellMs: number;
}

export const MCP_LIMITS: McpLimits = { connectMs: 10_000, callMs: 30_000, farewellMs: 1_000 };

/** The limit for a call's text in the run's output; ten such calls still make a readable result. */
export const MAX_RECORDED_CHARS = 50_000;

/** The limit for an error, a tool name or any other text of a server in a message. */
export const MAX_QUOTED_CHARS = 300;

/** A page can have hundreds of tools; a server with more pages than this has a list that never ends. */
export const MAX_TOOL_PAGES = 8;
