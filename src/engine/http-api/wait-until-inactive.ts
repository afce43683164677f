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

/** Waits for runs, with one look at the database for all who wait for the same one. */
export function createWaitUntilInactive(runs: RunStore): WaitUntilInactive {
  const feed = runs.changes;
  const looks = new Map<string, Promise<RunRecord | undefined>>();

  /** A change wakes thousands at once. Their look begins only when all have asked, so it is late enough for each. */
  function look(runId: string): Promise<RunRecord | undefined> {
    const shared = looks.get(runId) ?? nextTurn().then(() => begin(runId));
    looks.set(runId, shared);
    return shared;
  }

  async function begin(runId: string): Promise<RunRecord | undefined> {
    looks.delete(runId);
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
        const seen = await look(runId);
        // Closed before the look began: what was seen last holds.
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
