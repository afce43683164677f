import { setMaxListeners } from "node:events";

/** Calls back once when the signal aborts, at once if it has; returns how to call it off. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  // Any number of calls may share a caller's signal. Node would warn of a leak at the eleventh, and there is none.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}
