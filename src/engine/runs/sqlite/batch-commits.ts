import { setImmediate } from "node:timers/promises";
import { DatabaseLocked } from "../../../database/locks.ts";
import type { Commit, Write } from "./commit.ts";

/** A change that waits for the transaction it will be part of. */
interface WaitingChange {
  apply(write: Write): Promise<void>;
  /** The transaction is durable. */
  resolve(): void;
  reject(error: unknown): void;
  /** Makes the change in a transaction of its own. */
  commitAlone(): void;
}

/**
 * A `commit` that puts all changes of one turn of the event loop into one transaction: a commit costs more than the
 * changes in it. Each resolves once it is durable. For changes that fail only when the database does: when one does
 * fail, each is tried again alone, so that none fails because of another.
 */
export function batchCommits(commit: Commit): Commit {
  let waiting: WaitingChange[] = [];

  async function commitTogether(): Promise<void> {
    await setImmediate();
    const together = waiting;
    waiting = [];
    try {
      await commit(async (write) => {
        for (const { apply } of together) await apply(write);
      });
    } catch (error) {
      // Waiting for the lock again, once for each, would only take longer.
      const failsAlike = together.length === 1 || error instanceof DatabaseLocked;
      for (const { reject, commitAlone } of together) {
        if (failsAlike) reject(error);
        else commitAlone();
      }
      return;
    }
    for (const { resolve } of together) resolve();
  }

  return <Result>(work: (write: Write) => Promise<Result>) =>
    new Promise<Result>((resolve, reject) => {
      let settle = () => reject(new Error("A transaction was committed without its change"));
      waiting.push({
        async apply(write) {
          const result = await work(write);
          settle = () => resolve(result);
        },
        resolve: () => settle(),
        reject,
        commitAlone: () => void commit(work).then(resolve, reject),
      });
      if (waiting.length === 1) void commitTogether();
    });
}
