import { SpanKind, type Tracer, trace } from "@opentelemetry/api";
import type { TraceRequest } from "../mcp/calls/trace-request.ts";
import { cleanText } from "../text/clean-text.ts";
import { contextFrom, currentContext, errorType, markFailed } from "./span-context.ts";

/** A server span for each request. Source: OpenTelemetry semantic conventions, "Model Context Protocol", Server. */
export function createTraceRequest(tracer: Tracer): TraceRequest {
  return async ({ method, tool, id, transport, trace: incoming }, work) => {
    const caller = contextFrom(incoming);
    const span = tracer.startSpan(
      tool === undefined ? method : `${method} ${tool}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          "mcp.method.name": method,
          "jsonrpc.request.id": cleanText(id),
          "network.transport": transport,
          ...(tool !== undefined && {
            "gen_ai.tool.name": tool,
            "gen_ai.operation.name": "execute_tool",
          }),
        },
      },
      caller,
    );
    try {
      const result = await currentContext.run(trace.setSpan(caller, span), work);
      if ("isError" in result && result.isError === true) markFailed(span, "tool_error");
      return result;
    } catch (error) {
      markFailed(span, errorType(error));
      throw error;
    } finally {
      span.end();
    }
  };
}
