import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import type { ClaimedRun } from "../runs/run-store.ts";

/** Fills the free places of a worker with claimed runs. Calls while it is claiming are answered with one more round. */
export class ClaimLoop {
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

  /** Claims what there is, as soon as the current round has ended. */
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
        // Runs that end in the same turn of the event loop leave their places together.
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
