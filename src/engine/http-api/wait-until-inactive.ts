import type { Database } from "../../database/open-database.ts";
import { isActiveStatus } from "../../task-api/run.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { findRun } from "../runs/read-runs.ts";
import type { RunRecord } from "../runs/run-record.ts";
import { createWakeup } from "../runs/notifier.ts";

/**
 * The run as soon as it is no longer active, or as it is after `timeoutMs`, or when `signal` aborts because nobody
 * waits any more. Undefined for an unknown run.
 */
export type WaitUntilInactive = (
  runId: string,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<RunRecord | undefined>;

/** Waits for runs, with one look at the database for all who wait for the same one. */
export function createWaitUntilInactive({
  db,
  feed,
}: {
  db: Database;
  feed: ChangeFeed;
}): WaitUntilInactive {
  const looks = new Map<string, Promise<RunRecord | undefined>>();

  /** A change wakes thousands at once. Their look begins only when all have asked, so it is late enough for each. */
  function look(runId: string): Promise<RunRecord | undefined> {
    const shared = looks.get(runId) ?? nextTurn().then(() => begin(runId));
    looks.set(runId, shared);
    return shared;
  }

  async function begin(runId: string): Promise<RunRecord | undefined> {
    looks.delete(runId);
    return feed.closed ? undefined : findRun(db, runId);
  }

  return async (runId, timeoutMs, signal) => {
    const { wake, wait } = createWakeup();
    const unsubscribe = feed.subscribe(runId, wake);
    let timedOut = timeoutMs === 0;
    const timer = setTimeout(() => {
      timedOut = true;
      wake();
    }, timeoutMs);
    signal.addEventListener("abort", wake);
    try {
      let run = await findRun(db, runId);
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
      signal.removeEventListener("abort", wake);
    }
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
