import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  defaultTextMapGetter,
  defaultTextMapSetter,
} from "@opentelemetry/api";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import type { TraceHeaders } from "../client/http/trace-context.ts";

/** The span of the current work, and the trace headers that came with it. */
export const currentContext = new AsyncLocalStorage<Context>();

const propagator = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
});

export function contextFrom(headers: TraceHeaders): Context {
  return propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
}

export function headersOf(context: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(context, headers, defaultTextMapSetter);
  return headers;
}

/**
 * Records an error without its message, which may contain the request. `type` is one of few (OpenTelemetry: Recording
 * errors).
 */
export function markFailed(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** What kind of error it is: the system's code of it or of its cause, or its class. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return "_OTHER";
  for (const one of [error, error.cause]) {
    if (typeof one !== "object" || one === null || !("code" in one)) continue;
    const code = String(one.code);
    if (/^-?\w{1,64}$/.test(code)) return code;
  }
  return error.name;
}
