import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import {
  ActionRequired,
  type Exchange,
  ExecutionFailed,
  type Executor,
} from "../executors/executor.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import type { ClaimedRun, RunStateMachine } from "../runs/run-state-machine.ts";
import { checkOutput } from "../schema-conformity.ts";
import { createLeaseOwner, ownerHasEnded } from "./lease-owner.ts";
import { createProgressBuffer } from "./progress-buffer.ts";

/** Performs queued runs until it is stopped. */
export interface Worker {
  /** Gives unfinished runs back to the queue, and resolves when nothing of them runs any more. */
  stop(): Promise<void>;
}

/** How long a lease lasts without renewal: the longest time a run stands still after its host has died. */
const LEASE_MS = 30_000;
/** Renewed six times within a lease, so that a busy moment does not lose it. */
const RENEW_INTERVAL_MS = 5_000;
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
  clock,
  log,
}: {
  runs: RunStateMachine;
  feed: ChangeFeed;
  executor: Executor;
  /** The conversation that a run follows up on. */
  readPrevious: (claimed: ClaimedRun) => Promise<Exchange[]>;
  concurrency: number;
  clock: Clock;
  log: Logger;
}): Worker {
  const owner = createLeaseOwner();
  const held = new Map<string, Held>();
  let stopping = false;
  let claiming: Promise<void> | undefined;
  let claimAgain = false;

  /** Fills the free places. Calls while it is at work are answered with one more round. */
  function claimRuns(): void {
    claimAgain = true;
    claiming ??= claimUntilFull().finally(() => {
      claiming = undefined;
      // Asked between the last look and this moment.
      if (claimAgain && !stopping) claimRuns();
    });
  }

  async function claimUntilFull(): Promise<void> {
    try {
      while (claimAgain) {
        claimAgain = false;
        const limit = concurrency - held.size;
        if (stopping || limit <= 0) return;
        const request = { executorKey: executor.key, owner, leaseMs: LEASE_MS, limit };
        for (const claimed of await runs.claim(request)) hold(claimed);
        // The database answers without leaving this turn of the event loop; others must get theirs.
        await setImmediate();
      }
    } catch (error) {
      log.error({ err: error }, "could not claim runs; trying again");
    }
  }

  function hold(claimed: ClaimedRun): void {
    const abort = new AbortController();
    const unsubscribe = feed.subscribe(claimed.runId, () => void checkLease(claimed, abort));
    const done = perform(claimed, abort.signal).finally(() => {
      unsubscribe();
      held.delete(claimed.runId);
      claimRuns();
    });
    held.set(claimed.runId, { claimed, abort, done });
    // ClaimedRun while the worker was told to stop: it goes straight back.
    if (stopping) abort.abort(new WorkerStopping());
  }

  async function perform(claimed: ClaimedRun, signal: AbortSignal): Promise<void> {
    const runLog = log.child({ run_id: claimed.runId, attempt: claimed.attempt });
    const progress = createProgressBuffer(clock, (events) => runs.appendProgress(claimed, events));
    try {
      const { output, warnings } = await executor.execute({
        runId: claimed.runId,
        createdMs: Date.parse(claimed.createdAt),
        input: claimed.input,
        previous: await readPrevious(claimed),
        signal,
        report: async (event) => {
          signal.throwIfAborted();
          if (claimed.input.enable_events !== false) progress.add(event);
        },
      });
      await progress.flush();
      const finished = await runs.finish(claimed, {
        status: "completed",
        output,
        warnings: [...claimed.warnings, ...warnings, ...(await checkOutput(claimed.input, output))],
      });
      // Cancelled before it finished: the result is discarded.
      if (!finished) await runs.acknowledgeCancel(claimed);
    } catch (error) {
      // Whatever an executor throws once it was told to stop, the reason is why it stopped.
      const reason: unknown = signal.aborted ? signal.reason : error;
      await progress
        .flush()
        .then(() => settle(claimed, reason, runLog))
        .catch((settleError: unknown) =>
          // The lease expires, and another attempt follows.
          runLog.error({ err: settleError }, "could not record how the run ended"),
        );
    }
  }

  async function settle(claimed: ClaimedRun, error: unknown, runLog: Logger): Promise<void> {
    if (error instanceof CancelRequested) {
      await runs.acknowledgeCancel(claimed);
    } else if (error instanceof WorkerStopping) {
      const released = await runs.release(claimed);
      if (!released) await runs.acknowledgeCancel(claimed);
    } else if (error instanceof ActionRequired) {
      const untilMs = Math.floor(clock.now() + error.deadlineSeconds * 1_000);
      const waits = await runs.requireAction(claimed, untilMs, [
        ...claimed.warnings,
        { type: "action_required", message: error.message, detail: null },
      ]);
      if (!waits) await runs.acknowledgeCancel(claimed);
    } else if (error instanceof LeaseLost) {
      runLog.warn("the lease was lost; another worker has the run");
    } else {
      const refId = randomUUID();
      const isForUser = error instanceof ExecutionFailed;
      const message = isForUser
        ? error.message
        : "The engine failed while it performed this run. Its log has the cause under this ref_id.";
      runLog[isForUser ? "info" : "error"]({ err: error, ref_id: refId }, "run failed");
      const failed = await runs.finish(claimed, {
        status: "failed",
        error: { ref_id: refId, message, detail: null },
      });
      // The run was cancelled in the same moment.
      if (!failed) await runs.acknowledgeCancel(claimed);
    }
  }

  /** Stops the work on a run that was cancelled or is no longer ours. */
  function obey(status: string | undefined, abort: AbortController): void {
    if (status === "cancelling") abort.abort(new CancelRequested());
    else if (status !== "running") abort.abort(new LeaseLost());
  }

  async function checkLease(claimed: ClaimedRun, abort: AbortController): Promise<void> {
    // The database closes once the worker has stopped.
    if (stopping) return;
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
      stopping = true;
      clearInterval(timer);
      unsubscribe();
      for (const { abort } of held.values()) abort.abort(new WorkerStopping());
      await started;
      await claiming;
      await Promise.all([...held.values()].map(({ done }) => done));
    },
  };
}
