import { isActiveStatus } from "../../task-api/run.ts";
import type { RunRecord } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import { createNotifier } from "../runs/notifier.ts";

/**
 * The run as soon as it is no longer active, or as it is after `timeoutMs`, or when `signal` aborts because the client
 * has left. Undefined for an unknown run.
 */
export type WaitUntilInactive = (
  runId: string,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<RunRecord | undefined>;

/** Waits for runs; all requests that wait for the same run share one read of the database. */
export function createWaitUntilInactive(runs: RunStore): WaitUntilInactive {
  const feed = runs.changes;
  const reads = new Map<string, Promise<RunRecord | undefined>>();

  /**
   * A change can wake thousands of waiting requests. The read starts in the next turn of the event loop, when all of
   * them have joined it, so it is never older than the change that woke them.
   */
  function read(runId: string): Promise<RunRecord | undefined> {
    const shared = reads.get(runId) ?? nextTurn().then(() => begin(runId));
    reads.set(runId, shared);
    return shared;
  }

  async function begin(runId: string): Promise<RunRecord | undefined> {
    reads.delete(runId);
    return feed.closed ? undefined : runs.find(runId);
  }

  return async (runId, timeoutMs, signal) => {
    const { notify, wait } = createNotifier();
    const unsubscribe = feed.subscribe(runId, notify);
    let timedOut = timeoutMs === 0;
    const timer = setTimeout(() => {
      timedOut = true;
      notify();
    }, timeoutMs);
    signal.addEventListener("abort", notify);
    try {
      let run = await runs.find(runId);
      while (run !== undefined && isActiveStatus(run.status) && !timedOut) {
        await wait();
        if (signal.aborted || feed.closed) break;
        const seen = await read(runId);
        // The store was closed before the read, so the run that was read last is returned.
        if (feed.closed) break;
        run = seen;
      }
      return run;
    } finally {
      unsubscribe();
      clearTimeout(timer);
      signal.removeEventListener("abort", notify);
    }
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
