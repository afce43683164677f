import type { Logger } from "pino";
import type { HttpLimits } from "./limits.ts";

/** Whether new calls are welcome, and would be of use. */
export type Readiness = "ready" | "draining" | "backend_unreachable";

export interface ReadinessOptions {
  /** Resolves when the backend answers; throws why it does not. */
  reachBackend: ((signal: AbortSignal) => Promise<void>) | undefined;
  isDraining: () => boolean;
  limits: Pick<HttpLimits, "reachMs" | "reachedForMs">;
  log: Logger;
  /** Milliseconds on a monotonic clock, which setting the time does not change. */
  elapsedMs: () => number;
}

/**
 * Looks whether the backend can be reached, at most once in a while however many ask: probes must not become a load of
 * their own.
 */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  const { reachBackend, isDraining, limits, log, elapsedMs } = options;
  let last: { isReached: boolean; at: number } = { isReached: true, at: -Infinity };
  let looking: Promise<boolean> | undefined;

  async function look(reach: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    let isReached = true;
    try {
      await reach(AbortSignal.timeout(limits.reachMs));
    } catch (error) {
      isReached = false;
      if (last.isReached) log.warn({ err: error }, "not ready: the backend cannot be reached");
    }
    if (isReached && !last.isReached) log.info("ready: the backend can be reached again");
    last = { isReached, at: elapsedMs() };
    looking = undefined;
    return isReached;
  }

  return async () => {
    if (isDraining()) return "draining";
    if (reachBackend === undefined) return "ready";
    const isFresh = elapsedMs() - last.at < limits.reachedForMs;
    const isReached = isFresh ? last.isReached : await (looking ??= look(reachBackend));
    // It may have begun to drain in the meantime.
    if (isDraining()) return "draining";
    return isReached ? "ready" : "backend_unreachable";
  };
}
