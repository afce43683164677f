import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { createProcessOwner } from "../../database/process-owner.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Executor } from "../executors/executor.ts";
import type { ClaimedRun, RunStore } from "../runs/run-store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type HeldRun, LEASE_MS, LeaseKeeper, WorkerStopping } from "./lease-keeper.ts";
import { performAttempt } from "./perform-attempt.ts";

/** Performs queued runs until it is stopped. */
export interface Worker {
  /** Gives unfinished runs back to the queue, and resolves when nothing of them runs any more. */
  stop(): Promise<void>;
}

/**
 * Starts a worker: it performs runs of its executor's key, at most `concurrency` at a time. A run passes through it as
 * follows, and every arrow is a guarded write of the store:
 *
 * - queued → running: the {@link Dispatcher} signals that runs may be ready, and the {@link ClaimLoop} claims as many as
 *   there are free slots.
 * - running: the worker holds the run. {@link performAttempt} executes it; the {@link LeaseKeeper} renews its lease and
 *   aborts it when it was cancelled or another worker has it.
 * - running → what {@link performAttempt} records. The slot is then free, and the loop claims again.
 * - Stopping: nothing is claimed any more, every held run is aborted and goes back to the queue.
 */
export function startWorker({
  runs,
  dispatcher,
  executor,
  concurrency,
  strictOutput,
  clock,
  log,
}: {
  runs: RunStore;
  dispatcher: Dispatcher;
  executor: Executor;
  concurrency: number;
  /** An output that does not conform to its schema fails the run. */
  strictOutput: boolean;
  clock: Clock;
  log: Logger;
}): Worker {
  const owner = createProcessOwner();
  const held = new Map<string, HeldRun>();
  const stopping = new AbortController();
  const leases = new LeaseKeeper({ runs, owner, held, log });
  const claims = new ClaimLoop({
    claim: (limit) => runs.claim({ executorKey: executor.key, owner, leaseMs: LEASE_MS, limit }),
    countFree: () => concurrency - held.size,
    hold,
    log,
  });
  const context = {
    runs,
    executor,
    strictOutput,
    stopping: stopping.signal,
    onRetryLater: announceLater,
    clock,
    log,
  };

  function hold(claimed: ClaimedRun): void {
    const abort = new AbortController();
    const unwatch = leases.watch(claimed, abort);
    const attempt = performAttempt(claimed, { signal: abort.signal, onExecuted: unwatch }, context);
    const done = attempt.finally(() => {
      unwatch();
      held.delete(claimed.runId);
      claims.wake();
    });
    held.set(claimed.runId, { claimed, abort, done });
    // Claimed after stop() was called: release it at once.
    if (stopping.signal.aborted) abort.abort(stopping.signal.reason);
  }

  /** Nothing is written when the time comes, so other processes find the run by polling. */
  function announceLater(runId: string, afterMs: number): void {
    clock.sleep(afterMs, stopping.signal).then(
      () => dispatcher.announce(runId),
      () => undefined,
    );
  }

  // Runs that the recovery puts back in the queue are claimed in the normal way.
  const started = leases.start().then(() => {
    if (!stopping.signal.aborted) dispatcher.start(() => claims.wake());
  });

  return {
    async stop() {
      stopping.abort(new WorkerStopping());
      const claimsStopped = claims.stop();
      leases.stop();
      dispatcher.stop();
      for (const { abort } of held.values()) abort.abort(stopping.signal.reason);
      await started;
      await claimsStopped;
      await Promise.all([...held.values()].map(({ done }) => done));
    },
  };
}

/** Fills the free places of a worker with claimed runs. Calls while it is claiming are answered with one more round. */
class ClaimLoop {
  readonly #claim: (limit: number) => Promise<ClaimedRun[]>;
  readonly #countFree: () => number;
  readonly #hold: (claimed: ClaimedRun) => void;
  readonly #log: Logger;
  #claiming: Promise<void> | undefined;
  #claimAgain = false;
  #isStopped = false;

  constructor(options: {
    claim(limit: number): Promise<ClaimedRun[]>;
    /** How many more runs the worker may hold. */
    countFree(): number;
    hold(claimed: ClaimedRun): void;
    log: Logger;
  }) {
    this.#claim = options.claim;
    this.#countFree = options.countFree;
    this.#hold = options.hold;
    this.#log = options.log;
  }

  /** Claims ready runs as soon as the current round has ended. */
  wake(): void {
    if (this.#isStopped) return;
    this.#claimAgain = true;
    this.#claiming ??= this.#claimUntilFull().finally(() => {
      this.#claiming = undefined;
      // Woken between the last claim and this moment.
      if (this.#claimAgain) this.wake();
    });
  }

  /** Resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#claiming;
  }

  async #claimUntilFull(): Promise<void> {
    try {
      while (this.#claimAgain) {
        // Wait for one turn of the event loop, so that runs that end together are replaced by one claim.
        await setImmediate();
        this.#claimAgain = false;
        const limit = this.#countFree();
        if (this.#isStopped || limit <= 0) return;
        for (const claimed of await this.#claim(limit)) this.#hold(claimed);
      }
    } catch (error) {
      this.#log.error({ err: error }, "could not claim runs; trying again");
    }
  }
}
