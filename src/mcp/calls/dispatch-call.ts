import type { CallToolResult } from "@modelcontextprotocol/server";
import { type IncomingCall, type ToolServices, callTool } from "./run-tool-call.ts";
import { TOOLS } from "../tools.ts";

/** Carries out a call of a listed tool. Loaded with the first call, and with it all that tools need. */
export function performCall(
  name: string,
  args: unknown,
  services: ToolServices,
  calling: IncomingCall,
): Promise<CallToolResult> {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`There is no tool ${name}`);
  return callTool(tool, args, services, calling);
}
