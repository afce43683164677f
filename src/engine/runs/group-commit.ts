import { setImmediate } from "node:timers/promises";
import { DatabaseLocked } from "../../database/locks.ts";
import type { Change, Commit } from "./status-change.ts";

/** A change that waits for the transaction it will be part of. */
interface Waiting {
  /** Makes the change; answers with the runs that it changed. */
  apply: Change<void>;
  /** The transaction is durable. */
  resolve(): void;
  reject(error: unknown): void;
  /** Makes the change in a transaction of its own. */
  commitAlone(): void;
}

/**
 * A `commit` that puts all changes of one turn of the event loop into one transaction: a commit costs more than the
 * changes in it. Each resolves once it is durable. For changes that fail only when the database does: when one does
 * fail, each is tried again alone, so that none fails for another's sake.
 */
export function createGroupCommit(commit: Commit): Commit {
  let waiting: Waiting[] = [];

  async function commitTogether(): Promise<void> {
    await setImmediate();
    const together = waiting;
    waiting = [];
    try {
      await commit(async (trx, at) => {
        const changed: string[] = [];
        for (const { apply } of together) changed.push(...(await apply(trx, at)).changed);
        return { changed, result: undefined };
      });
    } catch (error) {
      // Waiting for the lock again, once for each, would only take longer.
      const isShared = together.length === 1 || error instanceof DatabaseLocked;
      for (const { reject, commitAlone } of together) {
        if (isShared) reject(error);
        else commitAlone();
      }
      return;
    }
    for (const { resolve } of together) resolve();
  }

  return <Result>(change: Change<Result>) =>
    new Promise<Result>((resolve, reject) => {
      let settle: () => void = () =>
        reject(new Error("A transaction was committed without its change"));
      waiting.push({
        async apply(trx, at) {
          const { changed, result } = await change(trx, at);
          settle = () => resolve(result);
          return { changed, result: undefined };
        },
        resolve: () => settle(),
        reject,
        commitAlone: () => void commit(change).then(resolve, reject),
      });
      if (waiting.length === 1) void commitTogether();
    });
}
