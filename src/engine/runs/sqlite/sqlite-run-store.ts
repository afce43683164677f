import type { Logger } from "pino";
import type { Database } from "../../../database/open-database.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { ChangeListeners } from "../change-feed.ts";
import type { RunStore } from "../run-store.ts";
import { insertRuns } from "./accept-runs.ts";
import { createAnswerStore, keepAnswer } from "./answers.ts";
import { claimRuns, readHeldStatus, renewLeases } from "./claim-runs.ts";
import { createCommit, type Commit, type Write } from "./commit.ts";
import { createDeliveryQueue } from "./delivery-queue.ts";
import { readEvents } from "./event-log.ts";
import { createAttemptWrites } from "./finish-attempts.ts";
import { createGroupStore } from "./groups.ts";
import { pollChanges } from "./poll-changes.ts";
import {
  countAll,
  findInteraction,
  findRun,
  findRuns,
  listRuns,
  readConversation,
} from "./read-runs.ts";
import { createExpiredRows } from "./remove-expired.ts";
import { failUnanswered, recoverRuns } from "./settle-runs.ts";
import { createSubmissionStore } from "./submissions.ts";
import { moveRun } from "./transitions.ts";
import { setImmediate } from "node:timers/promises";
import { DatabaseLocked } from "../../../database/locks.ts";

/** The run store on a SQLite file that several processes share. It owns `db` from now on, and closes it. */
export async function createSqliteRunStore({
  db,
  clock,
  log,
}: {
  db: Database;
  clock: Clock;
  log: Logger;
}): Promise<RunStore> {
  let stopPolling = () => {};
  const changes = new ChangeListeners(() => stopPolling());
  try {
    stopPolling = await pollChanges(db, changes, log);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const commit = createCommit(db, clock, changes);
  const context = { db, clock, commit };

  return {
    accept: (newRuns, { tenant, keep } = {}) =>
      commit(async (write) => {
        const accepted = await insertRuns(write, newRuns, tenant);
        await keepAnswer(write, keep?.(accepted));
        return accepted;
      }),

    async cancel(runId) {
      const hasChanged = await commit(
        async (write) =>
          (await moveRun(write, runId, {
            from: ["queued", "action_required"],
            to: "cancelled",
          })) || moveRun(write, runId, { from: ["running"], to: "cancelling" }),
      );
      const run = await findRun(db, runId);
      if (run === undefined) return undefined;
      // `cancelling` here is an earlier request, still under way: asking twice is no error.
      return { run, alreadyFinished: !hasChanged && run.status !== "cancelling" };
    },

    claim: (request) => claimRuns(request, context),
    renew: (owner, runIds, leaseMs) => renewLeases(db, owner, runIds, clock.now() + leaseMs),
    heldStatus: (lease) => readHeldStatus(db, lease),
    ...createAttemptWrites(commit, batchCommits(commit)),
    recover: (options) => recoverRuns(options, context),
    failUnanswered: (refId) => failUnanswered(refId, context),

    find: (runId) => findRun(db, runId),
    findMany: (runIds, options) => findRuns(db, runIds, options),
    findInteraction: (tenantId, interactionId) => findInteraction(db, tenantId, interactionId),
    readConversation: (tenantId, interactionId) => readConversation(db, tenantId, interactionId),
    list: (query) => listRuns(db, query),
    readEvents: (runId, afterSeq) => readEvents(db, runId, afterSeq),
    countAll: () => countAll(db),
    async ping() {
      // A question that the file has to answer; `SELECT 1` would not read it.
      await db.selectFrom("runs").select("run_id").limit(1).execute();
    },

    groups: createGroupStore(db, commit),
    answers: createAnswerStore(db, clock, commit),
    submissions: createSubmissionStore(db, commit),
    deliveries: createDeliveryQueue(db),
    expired: createExpiredRows(db, clock),
    changes,
    async close() {
      changes.close();
      await db.destroy();
    },
  };
}

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
