/** Removes what is too old until it is stopped. */
export interface RetentionLoop {
  /** Resolves when the batch under way is done. */
  stop(): Promise<void>;
}

/** Between two batches: a waiting writer tries at least every 10 ms, and the thread is free for requests. */
const PAUSE_MS = 20;

class RetentionStopping extends Error {
  override readonly name = "RetentionStopping";
}

/** Calls `removeExpired` after `startDelayMs` and then at every interval, also after it has failed. */
export function startRetentionLoop({
  startDelayMs,
  intervalMs,
  sleep,
  removeExpired,
  onError,
}: {
  startDelayMs: number;
  intervalMs: number;
  /** Resolves after `ms`; rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  removeExpired(tools: {
    /** Removes batch after batch until one is empty, with pauses between them; resolves to the sum of their sizes. */
    inBatches(removeBatch: () => Promise<number>): Promise<number>;
    pause(): Promise<void>;
  }): Promise<void>;
  onError(error: unknown): void;
}): RetentionLoop {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = () => sleep(PAUSE_MS, signal);

  async function inBatches(removeBatch: () => Promise<number>): Promise<number> {
    let removed = 0;
    for (;;) {
      signal.throwIfAborted();
      const count = await removeBatch();
      if (count === 0) return removed;
      removed += count;
      await pause();
    }
  }

  async function work(): Promise<void> {
    if (startDelayMs > 0) await sleep(startDelayMs, signal);
    for (;;) {
      await removeExpired({ inBatches, pause }).catch((error: unknown) => {
        signal.throwIfAborted();
        onError(error);
      });
      await sleep(intervalMs, signal);
    }
  }

  const working = work().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

  return {
    async stop() {
      stopping.abort(new RetentionStopping());
      await working;
    },
  };
}
