import type { ServerContext } from "@modelcontextprotocol/server";
import { type TraceHeaders, readTrace, withTrace } from "../../client/http/trace-context.ts";

/** One request of a client, as a trace shows it: nothing of what was asked or answered. */
export interface TracedRequest {
  method: string;
  /** The tool that it calls. */
  tool: string | undefined;
  id: string;
  transport: "tcp" | "pipe";
  /** The trace that the caller is in. */
  trace: TraceHeaders;
}

/** Does the work that a request asks for in the trace it belongs to. */
export type TraceRequest = <Result extends object>(
  request: TracedRequest,
  work: () => Promise<Result>,
) => Promise<Result>;

/** The same, for one server. */
export type TraceWork = <Result extends object>(
  request: ServerContext,
  work: () => Promise<Result>,
  tool?: string,
) => Promise<Result>;

/** Hands the caller's trace on to the backend, and adds nothing to it. */
export const passTraceOn: TraceRequest = ({ trace }, work) => withTrace(trace, work);

/** Describes a request for tracing. Trace fields in its `_meta` override those of its HTTP request. */
export function describeRequest(
  { mcpReq }: ServerContext,
  {
    tool,
    httpTrace,
    isHttp,
  }: { tool: string | undefined; httpTrace: TraceHeaders; isHttp: boolean },
): TracedRequest {
  const own = readTrace(mcpReq._meta);
  return {
    method: mcpReq.method,
    tool,
    id: String(mcpReq.id),
    transport: isHttp ? "tcp" : "pipe",
    trace: own.traceparent === undefined ? httpTrace : own,
  };
}
