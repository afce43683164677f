import { setImmediate } from "node:timers/promises";

/** The longest synchronous slice before other requests and timers get the event loop. */
const MAX_SLICE_MS = 5;

let sliceBeganMs = 0;

/**
 * Lets requests, timers and cancellations run when the current slice is used up; call it often in long synchronous work.
 * All runs of the process share the slice, because the event loop waits for all of them together.
 */
export async function yieldToEventLoop(): Promise<void> {
  const now = performance.now();
  if (now - sliceBeganMs < MAX_SLICE_MS) return;
  await setImmediate();
  sliceBeganMs = performance.now();
}
