import type { Logger } from "pino";
import { RequestRejected } from "./errors.ts";
import { unlessAborted } from "./on-abort.ts";

/** Knows whether a backend honours `Idempotency-Key`. */
export interface IdempotencySupport {
  /** Asks the backend until it has said yes or no once. Rejects with the error of a question that has no answer. */
  ask(signal: AbortSignal | undefined): Promise<boolean>;
}

/**
 * Our engine offers `Idempotency-Key` and the list of runs together, as one set of extensions, and only the list can be
 * asked for without a trace. `listRuns` asks for it. Whoever asks at the same time shares one question.
 */
export function createIdempotencySupport({
  listRuns,
  log,
}: {
  listRuns: () => Promise<unknown>;
  log: Logger | undefined;
}): IdempotencySupport {
  let known: boolean | null = null;
  let asking: Promise<boolean> | null = null;

  async function askBackend(): Promise<boolean> {
    try {
      await listRuns();
      known = true;
    } catch (error) {
      const hasNoList =
        error instanceof RequestRejected && (error.status === 404 || error.status === 405);
      if (!hasNoList) throw error;
      known = false;
    } finally {
      asking = null;
    }
    log?.debug({ honoured: known }, "asked whether the backend honours idempotency keys");
    return known;
  }

  return {
    async ask(signal) {
      signal?.throwIfAborted();
      return known ?? unlessAborted((asking ??= askBackend()), signal);
    },
  };
}
