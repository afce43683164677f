import { RunNotFound, RunStillActive } from "../../client/errors.ts";
import { isTransient } from "../../client/follow/outage.ts";
import { READY_RESULT_SECONDS } from "../../client/follow/follow-run.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { type TaskRun, isOver, mayHaveResult } from "../../task-api/run.ts";
import type { Backend } from "./backend.ts";
import { keptOutput } from "./ledger-run.ts";
import { createRunObserver } from "./observe-progress.ts";
import type { ToolContext } from "../tool.ts";
import { lastLook, watchFor } from "./watch-for.ts";

/**
 * Watches a run until it is no longer active or `seconds` are over, telling the caller how it gets on. Whoever leaves
 * only stops watching. Throws what the client throws, and the caller's abort reason.
 */
export async function waitForRun(
  backend: Backend,
  runId: string,
  seconds: number,
  {
    clock,
    callerLeft,
    draining,
    startProgress,
  }: Pick<ToolContext, "clock" | "callerLeft" | "draining" | "startProgress">,
): Promise<RunSnapshot> {
  const { followers, client, prices } = backend;
  const progress = startProgress({ name: `Run ${runId}` });
  const observe = createRunObserver(prices, clock);
  // A run is watched with its output; where that cannot be read, the run still can.
  let unwatched: unknown = null;
  const latest = await watchFor(seconds, {
    clock,
    callerLeft,
    draining,
    progress,
    watch: (signal) => followers.watch(runId, { signal }),
    show(snapshot: RunSnapshot) {
      progress.update(observe(snapshot));
      return snapshot.run.is_active ? "active" : "ended";
    },
  }).catch((error: unknown) => {
    if (!isTransient(error)) throw error;
    unwatched = error;
    return null;
  });
  if (latest !== null) return remember(backend, latest);
  const run = await lastLook({ clock, callerLeft }, (signal) =>
    client.retrieveRun(runId, { signal }),
  ).catch((error: unknown) => {
    throw unwatched ?? error;
  });
  return remember(backend, snapshotOf(run));
}

/** The run as it is now, without waiting. */
export async function lookAtRun(
  backend: Backend,
  runId: string,
  signal: AbortSignal,
): Promise<RunSnapshot> {
  return remember(backend, snapshotOf(await backend.client.retrieveRun(runId, { signal })));
}

/**
 * The snapshot with its output, which a mere look at a run that has ended does not bring; `trouble` says why one cannot
 * be read now.
 */
export async function withOutput(
  backend: Backend,
  runId: string,
  snapshot: RunSnapshot,
  signal: AbortSignal,
): Promise<RunSnapshot> {
  const { run } = snapshot;
  if (snapshot.output !== null || !mayHaveResult(run)) return snapshot;
  const { client } = backend;
  const timeoutSeconds = READY_RESULT_SECONDS;
  try {
    const { output } = await client.retrieveResult(runId, { timeoutSeconds, signal });
    return await remember(backend, { ...snapshot, output, percent: 100 });
  } catch (error) {
    if (error instanceof RunStillActive && run.status !== "completed") {
      // The status is unknown here; the result tells what it means.
      return isOver(run) ? snapshot : { ...snapshot, run: { ...run, is_active: true } };
    }
    // It has ended, and yet there is no result: the backend did not keep it. We may have.
    if (error instanceof RunNotFound) {
      return { ...snapshot, output: await keptOutput(backend, runId) };
    }
    if (isTransient(error)) {
      const output = await keptOutput(backend, runId);
      return { ...snapshot, output, trouble: output === null ? error.message : null };
    }
    throw error;
  }
}

/** The ledger keeps what was seen; a look does not fail because that failed. */
async function remember({ ledger }: Backend, seen: RunSnapshot): Promise<RunSnapshot> {
  await ledger.record(seen.run.run_id, seen);
  return seen;
}

/** A snapshot of which only the run is known. */
export function snapshotOf(run: TaskRun): RunSnapshot {
  return {
    run,
    output: null,
    percent: run.status === "completed" ? 100 : 0,
    latestMessage: null,
    sourcesRead: null,
    sourcesConsidered: null,
    sourcesSample: [],
    messages: [],
    trouble: null,
  };
}
