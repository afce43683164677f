import { setImmediate } from "node:timers/promises";

/** The longest synchronous slice before requests and timers get the event loop. */
const MAX_SLICE_MS = 5;

let sliceBeganMs = 0;

/**
 * Yields when the current slice was long enough: requests, timers and cancellations wait for all work that goes on
 * without a pause, however many runs share it.
 */
export async function yieldToEventLoop(): Promise<void> {
  const now = performance.now();
  if (now - sliceBeganMs < MAX_SLICE_MS) return;
  await setImmediate();
  sliceBeganMs = performance.now();
}
