import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { DatabaseFull, DatabaseLocked } from "../../database/locks.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import type { Clock } from "../../runtime/clock.ts";
import {
  ActionRequired,
  type Exchange,
  ExecutionFailed,
  type Executor,
} from "../executors/executor.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { mergeWarnings } from "../runs/run-record.ts";
import type { ClaimedRun, RunEnding, RunStateMachine } from "../runs/run-state-machine.ts";
import { checkOutput } from "../schema-conformity.ts";
import { createProcessOwner, ownerHasEnded } from "../../database/process-owner.ts";
import { createProgressBuffer, recordsEvents } from "./progress-buffer.ts";

/** Performs queued runs until it is stopped. */
export interface Worker {
  /** Gives unfinished runs back to the queue, and resolves when nothing of them runs any more. */
  stop(): Promise<void>;
}

/** How long a lease lasts without renewal: the longest time a run stands still after its host has died. */
const LEASE_MS = 30_000;
/** Renewed six times within a lease, so that a busy moment does not lose it. */
const RENEW_INTERVAL_MS = 5_000;
/** An ending that finds the disk full or the database locked is tried again after so long, doubling. */
const ENDING_RETRY = { firstMs: 250, maxMs: RENEW_INTERVAL_MS } as const;
/** A run whose worker was lost twice probably brings its worker down. */
const MAX_ATTEMPTS = 2;

class CancelRequested extends Error {
  override readonly name = "CancelRequested";
}
class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
class WorkerStopping extends Error {
  override readonly name = "WorkerStopping";
}

interface Held {
  claimed: ClaimedRun;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Starts a worker: it claims runs of its executor's key, at most `concurrency` at a time, renews their leases, aborts
 * those that are cancelled, and takes over the runs of workers that are gone.
 */
export function startWorker({
  runs,
  feed,
  executor,
  readPrevious,
  concurrency,
  strictOutput,
  clock,
  log,
}: {
  runs: RunStateMachine;
  feed: ChangeFeed;
  executor: Executor;
  /** The conversation that a run follows up on. */
  readPrevious: (claimed: ClaimedRun) => Promise<Exchange[]>;
  concurrency: number;
  /** An output that does not conform to its schema fails the run. */
  strictOutput: boolean;
  clock: Clock;
  log: Logger;
}): Worker {
  const owner = createProcessOwner();
  const held = new Map<string, Held>();
  const stopping = new AbortController();
  let claiming: Promise<void> | undefined;
  let claimAgain = false;

  /** Fills the free places. Calls while it is at work are answered with one more round. */
  function claimRuns(): void {
    claimAgain = true;
    claiming ??= claimUntilFull().finally(() => {
      claiming = undefined;
      // Asked between the last look and this moment.
      if (claimAgain && !stopping.signal.aborted) claimRuns();
    });
  }

  async function claimUntilFull(): Promise<void> {
    try {
      while (claimAgain) {
        // Runs that end in the same turn of the event loop leave their places together.
        await setImmediate();
        claimAgain = false;
        const limit = concurrency - held.size;
        if (stopping.signal.aborted || limit <= 0) return;
        const request = { executorKey: executor.key, owner, leaseMs: LEASE_MS, limit };
        for (const claimed of await runs.claim(request)) hold(claimed);
      }
    } catch (error) {
      log.error({ err: error }, "could not claim runs; trying again");
    }
  }

  function hold(claimed: ClaimedRun): void {
    const abort = new AbortController();
    const unsubscribe = feed.subscribe(claimed.runId, () => void checkLease(claimed, abort));
    const done = perform(claimed, abort.signal, unsubscribe).finally(() => {
      unsubscribe();
      held.delete(claimed.runId);
      claimRuns();
    });
    held.set(claimed.runId, { claimed, abort, done });
    // ClaimedRun while the worker was told to stop: it goes straight back.
    if (stopping.signal.aborted) abort.abort(stopping.signal.reason);
  }

  /** `isExecuted` is called once nothing is left of the run but to record how it ended. */
  async function perform(
    claimed: ClaimedRun,
    signal: AbortSignal,
    isExecuted: () => void,
  ): Promise<void> {
    const runLog = log.child({ run_id: claimed.runId, attempt: claimed.attempt });
    const progress = createProgressBuffer(clock, (events) => runs.appendProgress(claimed, events));
    let record: () => Promise<void>;
    try {
      const { output, warnings } = await executor.execute({
        runId: claimed.runId,
        createdMs: Date.parse(claimed.createdAt),
        input: claimed.input,
        previous: await readPrevious(claimed),
        signal,
        report: async (event) => {
          signal.throwIfAborted();
          if (recordsEvents(claimed.input)) progress.add(event);
        },
      });
      isExecuted();
      const departures = await checkOutput(claimed.input, output);
      const [first] = departures;
      if (strictOutput && first !== undefined) throw new ExecutionFailed(first.message);
      const ending: RunEnding = {
        status: "completed",
        output,
        warnings: mergeWarnings(claimed.warnings, warnings, departures),
      };
      const rest = await progress.take();
      record = () => finish(claimed, ending, rest);
    } catch (error) {
      // Whatever an executor throws once it was told to stop, the reason is why it stopped.
      const settle = settling(claimed, signal.aborted ? signal.reason : error, runLog);
      record = async () => {
        await progress.flush();
        await settle();
      };
    }
    await recordEnding(record, runLog);
  }

  async function finish(
    claimed: ClaimedRun,
    ending: RunEnding,
    progress?: readonly ProgressEvent[],
  ): Promise<void> {
    const finished = await runs.finish(claimed, ending, progress);
    // Cancelled before it finished: the result is discarded.
    if (!finished) await runs.acknowledgeCancel(claimed);
  }

  /**
   * Records how a run ended. What was worked out is not thrown away because there is no room for it at the moment: the
   * run keeps its place and its lease meanwhile. Nothing is written twice, for an ending needs the lease.
   */
  async function recordEnding(record: () => Promise<void>, runLog: Logger): Promise<void> {
    let delayMs: number = ENDING_RETRY.firstMs;
    for (;;) {
      try {
        await record();
        return;
      } catch (error) {
        const mayPass = error instanceof DatabaseFull || error instanceof DatabaseLocked;
        if (!mayPass || stopping.signal.aborted) {
          // The lease expires, and another attempt follows.
          runLog.error({ err: error }, "could not record how the run ended");
          return;
        }
        runLog.warn({ err: error }, "could not record how the run ended; trying again");
      }
      // Told to stop, it tries once more at once.
      await clock.sleep(delayMs, stopping.signal).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, ENDING_RETRY.maxMs);
    }
  }

  /** What is to be recorded of a run that did not complete. */
  function settling(claimed: ClaimedRun, error: unknown, runLog: Logger): () => Promise<void> {
    const acknowledgeCancel = async () => void (await runs.acknowledgeCancel(claimed));
    if (error instanceof CancelRequested) return acknowledgeCancel;
    if (error instanceof WorkerStopping) {
      return async () => {
        if (!(await runs.release(claimed))) await acknowledgeCancel();
      };
    }
    if (error instanceof ActionRequired) {
      const untilMs = Math.floor(clock.now() + error.deadlineSeconds * 1_000);
      const warnings = [
        ...claimed.warnings,
        { type: "warning", message: error.message, detail: null },
      ];
      return async () => {
        if (!(await runs.requireAction(claimed, untilMs, warnings))) await acknowledgeCancel();
      };
    }
    if (error instanceof LeaseLost) {
      runLog.warn("the lease was lost; another worker has the run");
      return async () => {};
    }
    const refId = randomUUID();
    const isForUser = error instanceof ExecutionFailed;
    const message = isForUser
      ? error.message
      : "The engine failed while it performed this run. Its log has the cause under this ref_id.";
    if (isForUser) runLog.info({ reason: message, ref_id: refId }, "run failed");
    else runLog.error({ err: error, ref_id: refId }, "run failed");
    return () =>
      finish(claimed, { status: "failed", error: { ref_id: refId, message, detail: null } });
  }

  /** Stops the work on a run that was cancelled or is no longer ours. */
  function obey(status: string | undefined, abort: AbortController): void {
    if (status === "cancelling") abort.abort(new CancelRequested());
    else if (status !== "running") abort.abort(new LeaseLost());
  }

  async function checkLease(claimed: ClaimedRun, abort: AbortController): Promise<void> {
    // The database closes once the worker has stopped.
    if (stopping.signal.aborted) return;
    try {
      obey(await runs.heldStatus(claimed), abort);
    } catch (error) {
      log.warn({ err: error, run_id: claimed.runId }, "could not check a lease; trying again");
    }
  }

  async function renewLeases(): Promise<void> {
    // Runs claimed while the renewal is under way are not in its answer.
    const renewed = [...held.values()];
    if (renewed.length === 0) return;
    try {
      const statuses = await runs.renew(
        owner,
        renewed.map(({ claimed }) => claimed.runId),
        LEASE_MS,
      );
      for (const { claimed, abort } of renewed) obey(statuses.get(claimed.runId), abort);
    } catch (error) {
      log.warn({ err: error }, "could not renew leases; trying again");
    }
  }

  async function recover(): Promise<void> {
    try {
      const ownerIsGone = (other: string) => other !== owner && ownerHasEnded(other);
      const count = await runs.recover({
        maxAttempts: MAX_ATTEMPTS,
        ownerIsGone,
        refId: randomUUID,
      });
      await runs.failUnanswered(randomUUID);
      if (count > 0) log.info({ count }, "took over runs whose worker is gone");
    } catch (error) {
      log.warn({ err: error }, "could not look for lost runs; trying again");
    }
  }

  const unsubscribe = feed.subscribeToAll(claimRuns);
  const timer = setInterval(
    () => void renewLeases().then(recover).then(claimRuns),
    RENEW_INTERVAL_MS,
  );
  timer.unref();
  // Recovery announces what it put back; claiming starts anyway, for what was queued before.
  const started = recover().then(claimRuns);

  return {
    async stop() {
      stopping.abort(new WorkerStopping());
      clearInterval(timer);
      unsubscribe();
      for (const { abort } of held.values()) abort.abort(stopping.signal.reason);
      await started;
      await claiming;
      await Promise.all([...held.values()].map(({ done }) => done));
    },
  };
}
