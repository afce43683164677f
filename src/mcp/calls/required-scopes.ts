import { z } from "zod";
import { READ_SCOPE, WRITE_SCOPE } from "../../runtime/request-facts.ts";
import { TOOL_LIST } from "../tool-list.ts";

/** Methods besides tool calls that change something. */
const WRITING_METHODS: ReadonlySet<string> = new Set(["tasks/cancel", "tasks/update"]);

const READ_TOOLS: ReadonlySet<string> = new Set(
  TOOL_LIST.filter(({ hints }) => hints.readOnly).map(({ name }) => name),
);

const Message = z.object({ method: z.string(), params: z.unknown() });
const ToolCall = z.object({ name: z.string() });

/**
 * The scopes that a JSON-RPC message, or each of a batch, needs: all that its principal should ask for, so that one
 * more consent is enough (MCP: Authorization, "Scope Challenge Handling").
 */
export function requiredScopes(body: unknown): string[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.some(isWriting) ? [READ_SCOPE, WRITE_SCOPE] : [READ_SCOPE];
}

function isWriting(message: unknown): boolean {
  const read = Message.safeParse(message);
  if (!read.success) return false;
  const { method, params } = read.data;
  if (method !== "tools/call") return WRITING_METHODS.has(method);
  const call = ToolCall.safeParse(params);
  // A tool that there is not: the caller learns that from the answer.
  return call.success && isTool(call.data.name) && !READ_TOOLS.has(call.data.name);
}

function isTool(name: string): boolean {
  return TOOL_LIST.some((tool) => tool.name === name);
}
