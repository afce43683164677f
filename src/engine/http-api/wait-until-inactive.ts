import type { Database } from "../../database/open-database.ts";
import { isActiveStatus } from "../../task-api/run.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { findRun } from "../runs/read-runs.ts";
import type { RunRecord } from "../runs/run-record.ts";
import { createWakeup } from "../runs/wakeup.ts";

/**
 * The run as soon as it is no longer active, or as it is after `timeoutMs`, or when `signal` aborts because nobody
 * waits any more. Undefined for an unknown run.
 */
export async function waitUntilInactive(
  runId: string,
  timeoutMs: number,
  signal: AbortSignal,
  { db, feed }: { db: Database; feed: ChangeFeed },
): Promise<RunRecord | undefined> {
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
      run = await findRun(db, runId);
    }
    return run;
  } finally {
    unsubscribe();
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }
}
