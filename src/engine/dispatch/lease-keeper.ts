import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { ownerHasEnded } from "../../database/process-owner.ts";
import type { ClaimedRun, RunStore } from "../runs/run-store.ts";

/** How long a lease lasts without renewal: the longest time a run stands still after its host has died. */
export const LEASE_MS = 30_000;
/** Renewed six times within a lease, so that a busy moment does not lose it. */
export const RENEW_INTERVAL_MS = 5_000;
/** A run that lost its worker twice probably crashes its worker. */
const MAX_ATTEMPTS = 2;

/** The run was cancelled while it was performed. */
export class CancelRequested extends Error {
  override readonly name = "CancelRequested";
}
/** The lease expired, and another worker may have the run. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
/** The worker's process ends: what it has not finished goes back to the queue. */
export class WorkerStopping extends Error {
  override readonly name = "WorkerStopping";
}

/** A run that this worker claimed, until its ending is recorded. */
export interface HeldRun {
  claimed: ClaimedRun;
  /** Stops the work; the reason is {@link CancelRequested}, {@link LeaseLost} or {@link WorkerStopping}. */
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Renews the leases of the runs that a worker holds, aborts the work on runs that were cancelled or claimed by another
 * worker, and takes back the runs of lost workers.
 */
export class LeaseKeeper {
  readonly #runs: RunStore;
  readonly #owner: string;
  readonly #held: ReadonlyMap<string, HeldRun>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: {
    runs: RunStore;
    owner: string;
    held: ReadonlyMap<string, HeldRun>;
    log: Logger;
  }) {
    this.#runs = options.runs;
    this.#owner = options.owner;
    this.#held = options.held;
    this.#log = options.log;
  }

  /**
   * Resolves when the runs of lost workers have been taken back for the first time. The timer does not keep the process
   * alive.
   */
  async start(): Promise<void> {
    this.#timer = setInterval(
      () => void this.#renew().then(() => this.#recover()),
      RENEW_INTERVAL_MS,
    );
    this.#timer.unref();
    await this.#recover();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** Aborts the work on a run when it was cancelled or taken. Returns what ends the watch. */
  watch(claimed: ClaimedRun, abort: AbortController): () => void {
    return this.#runs.changes.subscribe(claimed.runId, () => void this.#check(claimed, abort));
  }

  async #check(claimed: ClaimedRun, abort: AbortController): Promise<void> {
    // The database closes once the worker has stopped.
    if (this.#isStopped) return;
    try {
      obey(await this.#runs.heldStatus(claimed), abort);
    } catch (error) {
      this.#log.warn(
        { err: error, run_id: claimed.runId },
        "could not check a lease; trying again",
      );
    }
  }

  async #renew(): Promise<void> {
    // Runs claimed while the renewal is under way are not in its answer.
    const renewed = [...this.#held.values()];
    if (renewed.length === 0) return;
    const runIds = renewed.map(({ claimed }) => claimed.runId);
    try {
      const statuses = await this.#runs.renew(this.#owner, runIds, LEASE_MS);
      for (const { claimed, abort } of renewed) obey(statuses.get(claimed.runId), abort);
    } catch (error) {
      this.#log.warn({ err: error }, "could not renew leases; trying again");
    }
  }

  async #recover(): Promise<void> {
    try {
      const count = await this.#runs.recover({
        maxAttempts: MAX_ATTEMPTS,
        ownerIsGone: (owner) => owner !== this.#owner && ownerHasEnded(owner),
        refId: randomUUID,
      });
      await this.#runs.failUnanswered(randomUUID);
      if (count > 0) this.#log.info({ count }, "took over runs whose worker is gone");
    } catch (error) {
      this.#log.warn({ err: error }, "could not look for lost runs; trying again");
    }
  }
}

/** Stops the work on a run that was cancelled or is no longer held. */
function obey(status: string | undefined, abort: AbortController): void {
  if (status === "cancelling") abort.abort(new CancelRequested());
  else if (status !== "running") abort.abort(new LeaseLost());
}
