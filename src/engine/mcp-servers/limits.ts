/** What a run's MCP servers may take of the run's time and of our memory. */
export interface McpLimits {
  /** For connecting and listing the tools: a server that is up answers this in a second. */
  connectMs: number;
  /** For one tool call: a web search takes seconds, and a run must not wait for a server that hangs. */
  callMs: number;
  /** For ending the session, which MCP asks clients to do; the run does not depend on it. */
  farewellMs: number;
}

export const MCP_LIMITS: McpLimits = { connectMs: 10_000, callMs: 30_000, farewellMs: 1_000 };

/** Of a call's text, as the run's output records it; ten such calls still make a readable result. */
export const MAX_RECORDED_CHARS = 50_000;

/** Of an error, a tool name or anything else of a server that becomes part of a message. */
export const MAX_QUOTED_CHARS = 300;

/** A page has up to hundreds of tools; more pages are a server whose list never ends. */
export const MAX_TOOL_PAGES = 8;
