import type { Logger } from "pino";
import { RequestRejected } from "../errors.ts";
import { unlessAborted } from "../../runtime/on-abort.ts";

/** Knows whether a backend honours `Idempotency-Key`. */
export interface IdempotencySupport {
  /** Asks the backend until it has once confirmed support. Rejects when the request gets no answer. */
  ask(signal: AbortSignal | undefined): Promise<boolean>;
}

/**
 * Our engine supports `Idempotency-Key` exactly when it has the list of runs, and requesting the list changes nothing.
 * `listRuns` requests it; simultaneous callers share one request. A negative result is not cached: a gateway may have
 * answered the 404, and the outcome of a lost create would then stay unknown for ever.
 */
export function createIdempotencySupport({
  listRuns,
  log,
}: {
  listRuns: () => Promise<unknown>;
  log: Logger | undefined;
}): IdempotencySupport {
  let isHonoured = false;
  let asking: Promise<boolean> | null = null;

  async function askBackend(): Promise<boolean> {
    try {
      await listRuns();
      isHonoured = true;
    } catch (error) {
      const hasNoList =
        error instanceof RequestRejected && (error.status === 404 || error.status === 405);
      if (!hasNoList) throw error;
    } finally {
      asking = null;
    }
    log?.debug({ honoured: isHonoured }, "asked whether the backend honours idempotency keys");
    return isHonoured;
  }

  return {
    async ask(signal) {
      signal?.throwIfAborted();
      return isHonoured || unlessAborted((asking ??= askBackend()), signal);
    },
  };
}
