import { AsyncLocalStorage } from "node:async_hooks";

/** The trace that some work belongs to, as headers say it. Sources: W3C Trace Context, W3C Baggage. */
export type TraceHeaders = Partial<Record<(typeof NAMES)[number], string>>;

const NAMES = ["traceparent", "tracestate", "baggage"] as const;
/** The least that W3C Baggage requires to be forwarded, and small enough for the other headers. */
const MAX_CHARS = 8_192;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;

/** It travels with the work, because every call in between would have to hand it on otherwise. */
const current = new AsyncLocalStorage<TraceHeaders>();

/** Reads the caller's trace headers; without a valid `traceparent` they are all ignored. */
export function readTrace(said: object | undefined): TraceHeaders {
  if (said === undefined || !("traceparent" in said)) return {};
  const entries = new Map<string, unknown>(Object.entries(said));
  const trace: TraceHeaders = {};
  for (const name of NAMES) {
    const value = entries.get(name);
    if (typeof value !== "string" || value.length > MAX_CHARS) continue;
    if (HEADER_VALUE.test(value)) trace[name] = value;
  }
  return TRACEPARENT.test(trace.traceparent ?? "") ? trace : {};
}

/** Does the work in a trace. */
export function withTrace<Result>(trace: TraceHeaders, work: () => Result): Result {
  return trace.traceparent === undefined ? work() : current.run(trace, work);
}

/** The headers that carry the trace on. */
export function traceHeaders(): TraceHeaders {
  return current.getStore() ?? {};
}
