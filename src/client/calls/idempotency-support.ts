import type { Logger } from "pino";
import { RequestRejected } from "../errors.ts";
import { unlessAborted } from "../../runtime/on-abort.ts";

/** Knows whether a backend honours `Idempotency-Key`. */
export interface IdempotencySupport {
  /** Asks the backend until it has said yes once. Rejects with the error of a question that has no answer. */
  ask(signal: AbortSignal | undefined): Promise<boolean>;
}

/**
 * Our engine offers `Idempotency-Key` and the list of runs together, and only asking for the list changes nothing.
 * `listRuns` asks for it; callers at the same time share one question. A no is not remembered: a gateway answers 404 too,
 * and the outcome of a lost create would then stay unknown for ever.
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
