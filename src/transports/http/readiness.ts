import type { Logger } from "pino";
import type { HttpLimits } from "./limits.ts";

/** Whether this process accepts new calls and can serve them. */
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
 * Checks whether the backend can be reached. However many probes come, it sends at most one request per interval, so
 * that probes do not load the backend.
 */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  const { reachBackend, isDraining, limits, log, elapsedMs } = options;
  let last: { isReached: boolean; at: number } = { isReached: true, at: -Infinity };
  let checking: Promise<boolean> | undefined;

  async function check(reach: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    let isReached = true;
    try {
      await reach(AbortSignal.timeout(limits.reachMs));
    } catch (error) {
      isReached = false;
      if (last.isReached) log.warn({ err: error }, "not ready: the backend cannot be reached");
    }
    if (isReached && !last.isReached) log.info("ready: the backend can be reached again");
    last = { isReached, at: elapsedMs() };
    checking = undefined;
    return isReached;
  }

  return async () => {
    if (isDraining()) return "draining";
    if (reachBackend === undefined) return "ready";
    const isFresh = elapsedMs() - last.at < limits.reachedForMs;
    const isReached = isFresh ? last.isReached : await (checking ??= check(reachBackend));
    // It may have begun to drain in the meantime.
    if (isDraining()) return "draining";
    return isReached ? "ready" : "backend_unreachable";
  };
}
