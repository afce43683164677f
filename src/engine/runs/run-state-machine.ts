import type { Transaction } from "kysely";
import type { Database } from "../../database/open-database.ts";
import type { DatabaseSchema } from "../../database/schema.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { RunError, RunWarning } from "../../task-api/run.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { appendProgress, appendStates } from "./event-log.ts";
import { type NewRun, insertRuns } from "./accept-runs.ts";
import { createGroupCommit } from "./group-commit.ts";
import { findRun } from "./read-runs.ts";
import { type RecoveryOptions, recoverRuns } from "./recover-runs.ts";
import { type RunRecord, readRunRow } from "./run-record.ts";
import { type Lease, createStatusChanges, toColumns } from "./status-change.ts";

/** A run to perform, and what was found questionable about it when it was accepted. */
export interface ClaimedRun extends Lease {
  tenantId: string;
  createdAt: string;
  input: RunInput;
  warnings: RunWarning[];
}

export interface ClaimRequest {
  executorKey: string;
  owner: string;
  leaseMs: number;
  limit: number;
}

export type RunEnding =
  | { status: "completed"; output: RunOutput; warnings: RunWarning[] }
  | { status: "failed"; error: RunError };

type Trx = Transaction<DatabaseSchema>;

function heldBy(db: Database, lease: Lease) {
  return db
    .selectFrom("runs")
    .select("status")
    .where("run_id", "=", lease.runId)
    .where("lease_owner", "=", lease.owner)
    .where("attempt", "=", lease.attempt);
}

/**
 * The state machine of the engine's runs. Each change is one UPDATE that names the statuses it may leave, with
 * its entry in the event log in the same transaction; a change that no longer applies changes nothing and says so.
 */
export type RunStateMachine = ReturnType<typeof createRunStateMachine>;

export function createRunStateMachine({
  db,
  clock,
  feed,
}: {
  db: Database;
  clock: Clock;
  feed: ChangeFeed;
}) {
  const { commit, changeStatus, changeGroup, moveRun } = createStatusChanges({ db, clock, feed });
  const commitTogether = createGroupCommit(commit);

  /** Appends progress if the lease still holds the run, be it that it is being cancelled. */
  async function append(
    trx: Trx,
    at: string,
    lease: Lease,
    events: readonly ProgressEvent[],
  ): Promise<string[]> {
    if (events.length === 0) return [];
    if ((await heldBy(trx, lease).executeTakeFirst()) === undefined) return [];
    await appendProgress(trx, lease.runId, { events }, at);
    return [lease.runId];
  }

  return {
    /**
     * Accepts runs, all or none: they are durable and `queued` when this resolves. `admit` may refuse them by throwing;
     * `record` writes what must be durable together with them.
     */
    accept(
      newRuns: readonly NewRun[],
      {
        admit,
        record,
      }: {
        admit?: (trx: Trx) => Promise<void>;
        record?: (trx: Trx, accepted: RunRecord[]) => Promise<void>;
      } = {},
    ): Promise<RunRecord[]> {
      return commit(async (trx) => {
        await admit?.(trx);
        const result = await insertRuns(trx, newRuns, clock.now());
        await record?.(trx, result);
        return { changed: result.map((run) => run.runId), result };
      });
    },

    /** Takes up to `limit` queued runs, oldest first, each with a new attempt and a lease. */
    async claim(request: ClaimRequest): Promise<ClaimedRun[]> {
      const queued = db
        .selectFrom("runs")
        .select("run_id")
        .where("status", "=", "queued")
        .where("executor_key", "=", request.executorKey)
        .orderBy("created_at")
        .limit(request.limit);
      // Asked without a lock first: an idle worker must not stand in the way of writers.
      if ((await queued.limit(1).executeTakeFirst()) === undefined) return [];
      return commit(async (trx, at) => {
        const rows = await trx
          .updateTable("runs")
          .set(({ eb }) => ({
            status: "running",
            lease_owner: request.owner,
            lease_until: Math.floor(clock.now() + request.leaseMs),
            attempt: eb("attempt", "+", 1),
            modified_at: at,
          }))
          // The statuses are those of this moment: it holds the write lock. Asked for again out here, they would
          // make SQLite read every queued run, however few were chosen.
          .where("run_id", "in", queued)
          .returningAll()
          .execute();
        const changed = rows.map((row) => row.run_id);
        await appendStates(trx, changed, "running", at);
        // An UPDATE answers in any order; runs start in the order of their creation. Timestamps sort as text.
        const inOrder = rows.toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
        return {
          changed,
          result: inOrder.map((row) => {
            const { runId, attempt, tenantId, input, warnings, createdAt } = readRunRow(row);
            return { runId, owner: request.owner, attempt, tenantId, input, warnings, createdAt };
          }),
        };
      });
    },

    /** Extends the leases of these runs; answers with the status of each that `owner` still holds. */
    async renew(
      owner: string,
      runIds: readonly string[],
      leaseMs: number,
    ): Promise<Map<string, string>> {
      const rows = await db
        .updateTable("runs")
        .set({ lease_until: Math.floor(clock.now() + leaseMs) })
        // Only runs that are performed or being cancelled have an owner.
        .where("lease_owner", "=", owner)
        .where("run_id", "in", runIds)
        .returning(["run_id", "status"])
        .execute();
      return new Map(rows.map((row) => [row.run_id, row.status]));
    },

    /** The status of a run that `lease` still holds, else undefined. */
    async heldStatus(lease: Lease): Promise<string | undefined> {
      return (await heldBy(db, lease).executeTakeFirst())?.status;
    },

    /** Appends progress; false when the lease no longer holds the run, and then nothing is appended. */
    appendProgress(lease: Lease, events: readonly ProgressEvent[]): Promise<boolean> {
      return commitTogether(async (trx, at) => {
        const changed = await append(trx, at, lease, events);
        return { changed, result: changed.length > 0 };
      });
    },

    /**
     * `running` → `completed` or `failed`, with the progress that was not appended yet. False when the run is no longer
     * running under this lease: the ending is discarded.
     */
    finish(
      lease: Lease,
      ending: RunEnding,
      progress: readonly ProgressEvent[] = [],
    ): Promise<boolean> {
      const { runId } = lease;
      const { status: to, ...values } = ending;
      return commitTogether(async (trx, at) => {
        const set = toColumns(values);
        const result = await changeStatus(trx, at, runId, {
          from: ["running"],
          to,
          lease,
          set,
          progress,
        });
        if (result) return { changed: [runId], result };
        // It may be being cancelled, and then what was done before counts.
        return { changed: await append(trx, at, lease, progress), result };
      });
    },

    /** `running` → `action_required`: the lease is given up; without an answer until `untilMs` the run fails.
     * `warnings` replace the run's, and say what it waits for.
     */
    requireAction(lease: Lease, untilMs: number, warnings: RunWarning[]): Promise<boolean> {
      return moveRun(lease.runId, {
        from: ["running"],
        to: "action_required",
        lease,
        set: { action_until: untilMs, ...toColumns({ warnings }) },
      });
    },

    /** `action_required` → `failed`, for every run whose deadline has passed. */
    async failUnanswered(refId: () => string): Promise<number> {
      const overdue = db
        .selectFrom("runs")
        .select("run_id")
        // Only runs in `action_required` have one.
        .where("action_until", "<", clock.now());
      if ((await overdue.executeTakeFirst()) === undefined) return 0;
      return commit(async (trx, at) => {
        const changed = (await trx.executeQuery(overdue)).rows.map((row) => row.run_id);
        for (const runId of changed) {
          const error = {
            ref_id: refId(),
            message: "The run waited for an answer that did not come in time.",
            detail: null,
          };
          const set = toColumns({ error });
          await changeStatus(trx, at, runId, { from: ["action_required"], to: "failed", set });
        }
        return { changed, result: changed.length };
      });
    },

    /** `cancelling` → `cancelled`: the worker has stopped. */
    acknowledgeCancel(lease: Lease): Promise<boolean> {
      return moveRun(lease.runId, { from: ["cancelling"], to: "cancelled", lease });
    },

    /**
     * `running` → `queued`: the worker gives the run back unfinished, because its process ends. Given back is not
     * failed, so the attempt does not count.
     */
    release(lease: Lease): Promise<boolean> {
      return moveRun(lease.runId, {
        from: ["running"],
        to: "queued",
        lease,
        set: { attempt: lease.attempt - 1 },
      });
    },

    /**
     * Asks for the end of a run: waiting ones are `cancelled` at once, a running one is `cancelling` until its worker
     * stops. Answers with the run as it is then, and whether it was finished before.
     */
    async cancel(runId: string): Promise<{ run: RunRecord; alreadyFinished: boolean } | undefined> {
      const changed = await commit(async (trx, at) => {
        const result =
          (await changeStatus(trx, at, runId, {
            from: ["queued", "action_required"],
            to: "cancelled",
          })) || (await changeStatus(trx, at, runId, { from: ["running"], to: "cancelling" }));
        return { changed: result ? [runId] : [], result };
      });
      const run = await findRun(db, runId);
      if (run === undefined) return undefined;
      // `cancelling` here is an earlier request, still under way: asking twice is no error.
      return { run, alreadyFinished: !changed && run.status !== "cancelling" };
    },

    /**
     * Asks for the end of every unfinished run of a group, as `cancel` does for one, all in one moment. Answers with
     * what `read` finds afterwards, in the same transaction.
     */
    cancelGroup<Result>(taskgroupId: string, read: (trx: Trx) => Promise<Result>): Promise<Result> {
      return commit(async (trx, at) => {
        const cancelled = await changeGroup(trx, at, taskgroupId, {
          from: ["queued", "action_required"],
          to: "cancelled",
        });
        const cancelling = await changeGroup(trx, at, taskgroupId, {
          from: ["running"],
          to: "cancelling",
        });
        return { changed: [...cancelled, ...cancelling], result: await read(trx) };
      });
    },

    /** Settles the runs whose worker is gone; see {@link recoverRuns}. */
    recover: (options: RecoveryOptions): Promise<number> =>
      recoverRuns(options, { db, clock, commit, changeStatus }),
  };
}
