import { setTimeout } from "node:timers/promises";
import { SqliteCode, sqliteCodeOf } from "./sqlite-code.ts";

/** How long a statement waits for another connection's lock. Writes here take milliseconds; 5 s means something is stuck. */
const LOCK_WAIT_MS = 5_000;
/** The longest pause between two tries; each is random, so that waiting writers do not meet again. */
const LOCK_RETRY_MS = 10;

/** Another program held the lock for longer than any write of ours takes; nothing was written. */
export class DatabaseLocked extends Error {
  override readonly name = "DatabaseLocked";

  constructor(options: { cause: unknown }) {
    super(
      "The database is locked by another program, so nothing was written. Close that program, or choose another state folder.",
      options,
    );
  }
}

/** There is no room left to write; nothing was written. */
export class DatabaseFull extends Error {
  override readonly name = "DatabaseFull";

  constructor(options: { cause: unknown }) {
    super(
      "The disk of the state folder is full, so nothing was written. Make room on it, or choose another state folder.",
      options,
    );
  }
}

/** Repeats a statement that found the database locked: it was not begun, so repeating it is safe. */
export async function retryWhileLocked<Result>(
  attempt: () => Result | Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (performance.now() > deadline) throw new DatabaseLocked({ cause: error });
    }
    await setTimeout(1 + Math.random() * LOCK_RETRY_MS);
  }
}

function isLocked(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return code === SqliteCode.busy || code === SqliteCode.locked;
}
