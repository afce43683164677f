import { setImmediate } from "node:timers/promises";

/** Whoever waits for the event loop gets his turn after this. */
const TURN_MS = 5;

let turnBeganMs = 0;

/**
 * Gives others their turn, when this work has had its own: requests, timers and cancellations wait for all that goes on
 * without a pause, however many runs share it.
 */
export async function yieldToEventLoop(): Promise<void> {
  const now = performance.now();
  if (now - turnBeganMs < TURN_MS) return;
  await setImmediate();
  turnBeganMs = performance.now();
}
