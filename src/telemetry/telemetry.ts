import type { Fetch } from "../client/http/fetch.ts";
import type { TraceRequest } from "../mcp/calls/trace-request.ts";

/** Spans of what this process does, for an OpenTelemetry collector. */
export interface Telemetry {
  /** A span around the work that a client's request asks for. */
  traceRequest: TraceRequest;
  /** A span around each request to the backend that is part of such work. */
  traceFetch(fetch: Fetch): Fetch;
  /** Sends the remaining spans. False when they could not be sent within `ms`; the exporter may keep trying. */
  close(ms: number): Promise<boolean>;
}
