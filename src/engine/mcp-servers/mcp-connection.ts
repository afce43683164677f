import {
  type CallToolResult,
  Client,
  type FetchLike,
  StreamableHTTPClientTransport,
  type Tool,
} from "@modelcontextprotocol/client";
import type { McpServerEntry } from "../../task-api/run-input.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { exactJson } from "../../text/json.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Deadline, startDeadline } from "../../runtime/deadline.ts";
import { unlessAborted } from "../../runtime/on-abort.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";
import { RequestTimedOut } from "../outgoing/outgoing-errors.ts";
import { MAX_TOOL_PAGES, type McpLimits } from "./limits.ts";

/** A connection to one MCP server. Its methods throw what the MCP library or the guarded fetch throws. */
export interface McpConnection {
  listTools(): Promise<Tool[]>;
  callTool(tool: Tool, args: JsonObject): Promise<CallToolResult>;
  close(): Promise<void>;
}

/** Connects over Streamable HTTP, to servers of either protocol era. Nothing is left open when it throws. */
export async function connectMcpServer(
  entry: McpServerEntry,
  { fetch, signal, limits }: { fetch: FetchFromRun; signal: AbortSignal; limits: McpLimits },
): Promise<McpConnection> {
  const url = new URL(entry.url);
  const waiting = new Set<Deadline>();
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: fetchWithHeaders(fetch, entry.headers ?? {}, (error) => {
      // The library would otherwise wait for ever for an answer whose event stream broke.
      for (const deadline of waiting) deadline.abort(error);
    }),
    // A stream that breaks ends the call: the run does not wait for a server to come back.
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
    },
  });
  const client = new Client(
    { name: "task-run-mcp-engine", version: "1" },
    { versionNegotiation: { mode: "auto" }, listMaxPages: MAX_TOOL_PAGES },
  );

  /** Ends the wait when time is up or the run ends; the library's own limits depend on the phase it is in. */
  async function bounded<T>(ms: number, work: (limit: RequestLimit) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const deadline = startDeadline({ clock: systemClock, ms, signal });
    waiting.add(deadline);
    try {
      return await unlessAborted(work({ signal: deadline.signal, timeout: ms }), deadline.signal);
    } catch (error) {
      if (deadline.hasPassed()) throw new RequestTimedOut(url.host, ms);
      throw deadline.signal.aborted ? deadline.signal.reason : error;
    } finally {
      deadline.clear();
      waiting.delete(deadline);
    }
  }

  const close = async () => {
    await client.close();
    await transport.close();
  };

  try {
    await bounded(limits.connectMs, (limit) => client.connect(transport, limit));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async listTools() {
      // The library would print a warning to standard output, which carries the MCP messages of our own server.
      if (client.getServerCapabilities()?.tools === undefined) return [];
      const { tools } = await bounded(limits.connectMs, (limit) =>
        client.listTools(undefined, limit),
      );
      return tools;
    },
    callTool({ outputSchema: _unchecked, ...tool }, args) {
      // Without the output schema, which the library would compile: this code only reads the text.
      return bounded(limits.callMs, (limit) =>
        client.callTool({ name: tool.name, arguments: args }, { ...limit, toolDefinition: tool }),
      );
    },
    async close() {
      if (transport.sessionId !== undefined && !signal.aborted) {
        // Servers need not support it (MCP, Session Management), and the run does not depend on it.
        await bounded(limits.farewellMs, () => transport.terminateSession()).catch(() => {});
      }
      await close();
    },
  };
}

interface RequestLimit {
  signal: AbortSignal;
  timeout: number;
}

/**
 * Sends the run's headers with every request; those of the protocol override them. The library does not get them,
 * because its errors would repeat a value that cannot be sent.
 */
function fetchWithHeaders(
  fetch: FetchFromRun,
  given: Record<string, string>,
  onAnswerBroken: (error: unknown) => void,
): FetchLike {
  const own = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const);
  return async (url, init) => {
    const headers = Object.fromEntries([...own, ...new Headers(init?.headers)]);
    const { method = "GET", body, signal } = init ?? {};
    if (body !== undefined && body !== null && typeof body !== "string") {
      throw new TypeError("MCP messages are sent as text");
    }
    const response = await fetch(url, {
      method,
      headers,
      ...(typeof body === "string" && { body }),
      ...(signal && { signal }),
      // The run does not need the GET stream of the server's own messages, so its failure ends nothing.
      ...(method === "POST" && { onBodyFailure: onAnswerBroken }),
    });
    return keepExact(response);
  };
}

/** The library parses answers with `JSON.parse`; numbers that this would round are rewritten as text first. */
async function keepExact(response: Response): Promise<Response> {
  const { body, headers, status } = response;
  const type = headers.get("content-type") ?? "";
  if (body === null || status !== 200) return response;
  if (/^application\/json\b/i.test(type)) {
    return new Response(exactJson(await response.text()), { headers });
  }
  if (!/^text\/event-stream\b/i.test(type)) return response;
  let rest = "";
  const exactLines = new TransformStream<string, string>({
    transform(chunk, controller) {
      rest += chunk;
      const end = chunk.includes("\n") ? rest.lastIndexOf("\n") + 1 : 0;
      const lines = rest.slice(0, end).replaceAll(/^data:.*$/gm, exactJson);
      rest = rest.slice(end);
      controller.enqueue(lines);
    },
    flush: (controller) => controller.enqueue(rest),
  });
  const lines = body.pipeThrough(new TextDecoderStream()).pipeThrough(exactLines);
  return new Response(lines.pipeThrough(new TextEncoderStream()), { headers });
}
