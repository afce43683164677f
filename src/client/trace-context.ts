import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The trace that the work at hand belongs to, as a `traceparent` header says it. It travels with the work, because every
 * call in between would have to hand it on otherwise. Source: W3C Trace Context.
 */
const current = new AsyncLocalStorage<string>();

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Does the work in a trace; what is no `traceparent` counts as none. */
export function withTrace<Result>(traceparent: unknown, work: () => Result): Result {
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return work();
  return current.run(traceparent, work);
}

/** The headers that carry the trace on. */
export function traceHeaders(): Record<string, string> {
  const traceparent = current.getStore();
  return traceparent === undefined ? {} : { traceparent };
}
