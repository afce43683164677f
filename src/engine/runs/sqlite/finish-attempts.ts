import type { ProgressEvent } from "../../../task-api/run-event.ts";
import type { Lease, RunStore } from "../run-store.ts";
import { readHeldStatus } from "./claim-runs.ts";
import type { Commit, Write } from "./commit.ts";
import { appendProgress } from "./event-log.ts";
import { expectSubmission } from "./submissions.ts";
import { endingColumns, moveRun } from "./transitions.ts";

type AttemptWrites = Pick<
  RunStore,
  "appendProgress" | "finish" | "requireAction" | "retryLater" | "release" | "acknowledgeCancel"
>;

/** The writes of a worker to the runs it holds. Frequent ones are committed together in one transaction. */
export function createAttemptWrites(commit: Commit, commitTogether: Commit): AttemptWrites {
  return {
    appendProgress: (lease, events) => commitTogether((write) => append(write, lease, events)),

    finish: (lease, { status: to, ...values }, progress = []) =>
      commitTogether(async (write) => {
        const set = endingColumns(values);
        const isFinished = await moveRun(write, lease.runId, {
          from: ["running"],
          to,
          lease,
          set,
          progress,
        });
        // It may be being cancelled, and then what was done before counts.
        if (!isFinished) await append(write, lease, progress);
        return isFinished;
      }),

    requireAction: (lease, { untilMs, warnings, takesAnswer }) =>
      commit(async (write) => {
        const isWaiting = await moveRun(write, lease.runId, {
          from: ["running"],
          to: "action_required",
          lease,
          // An answer brings another attempt, and only attempts that were lost count.
          set: {
            attempt: lease.attempt - 1,
            action_until: untilMs,
            ...endingColumns({ warnings }),
          },
        });
        if (isWaiting && takesAnswer) await expectSubmission(write, lease.runId);
        return isWaiting;
      }),

    retryLater: (lease, notBeforeMs) =>
      commit((write) =>
        moveRun(write, lease.runId, {
          from: ["running"],
          to: "queued",
          lease,
          set: { attempt: lease.attempt - 1, not_before: Math.ceil(notBeforeMs) },
        }),
      ),

    release: (lease) =>
      commit((write) =>
        moveRun(write, lease.runId, {
          from: ["running"],
          to: "queued",
          lease,
          set: { attempt: lease.attempt - 1 },
        }),
      ),

    acknowledgeCancel: (lease) =>
      commit((write) =>
        moveRun(write, lease.runId, { from: ["cancelling"], to: "cancelled", lease }),
      ),
  };
}

/** Appends progress if the lease still holds the run, also while it is `cancelling`. */
async function append(
  write: Write,
  lease: Lease,
  events: readonly ProgressEvent[],
): Promise<boolean> {
  if (events.length === 0) return false;
  if ((await readHeldStatus(write.trx, lease)) === undefined) return false;
  await appendProgress(write, lease.runId, { events });
  write.announce([lease.runId], null);
  return true;
}
