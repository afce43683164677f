import { type AuthInfo, createMcpHandler } from "@modelcontextprotocol/server";
import { z } from "zod";
import { systemClock } from "../../src/runtime/clock.ts";
import { type TaskRunServerDeps, createServerFactory } from "../../src/mcp/server.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";

const Answer = z.object({
  result: z.looseObject({}).optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});
type Answer = z.infer<typeof Answer>;

export interface RawModern {
  /** Sends one request of 2026-07-28 as it stands; `extensions` is what its client declares. */
  request(
    method: string,
    params: Record<string, unknown>,
    options?: { extensions?: Record<string, object>; elicitation?: object; authInfo?: AuthInfo },
  ): Promise<Answer>;
}

/** Requests that no SDK client sends, to the server as HTTP serves it. */
export function rawModern(
  deps: Pick<TaskRunServerDeps, "backend"> & Partial<TaskRunServerDeps>,
): RawModern {
  const handler = createMcpHandler(
    createServerFactory({ version: "0.0.0-test", log: silentLog, clock: systemClock, ...deps }),
  );
  onFinished(() => handler.close());
  return {
    async request(method, params, { extensions = {}, elicitation, authInfo } = {}) {
      const { name, uri, taskId } = params;
      const named = name ?? uri ?? taskId;
      const _meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
          extensions,
          ...(elicitation !== undefined && { elicitation }),
        },
        "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      };
      const request = new Request("http://server/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": method,
          ...(typeof named === "string" && { "mcp-name": named }),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
      });
      const response = await handler.fetch(request, authInfo && { authInfo });
      return Answer.parse(await response.json());
    },
  };
}
