import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { DatabaseFull, DatabaseLocked } from "../../database/locks.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import {
  ActionRequired,
  ExecutionFailed,
  type Executor,
  RetryLater,
} from "../executors/executor.ts";
import { mergeWarnings } from "../runs/run-record.ts";
import type { ClaimedRun, RunEnding, RunStore } from "../runs/run-store.ts";
import { checkOutput } from "../schema-conformity.ts";
import { CancelRequested, LeaseLost, RENEW_INTERVAL_MS, WorkerStopping } from "./lease-keeper.ts";
import { createProgressBuffer, recordsEvents } from "./progress-buffer.ts";

/** An ending that finds the disk full or the database locked is tried again after so long, doubling. */
const ENDING_RETRY = { firstMs: 250, maxMs: RENEW_INTERVAL_MS } as const;

export interface AttemptContext {
  runs: RunStore;
  executor: Executor;
  /** An output that does not conform to its schema fails the run. */
  strictOutput: boolean;
  /** Aborts when the worker stops. */
  stopping: AbortSignal;
  /** The run went back to the queue and can be claimed after so long. */
  onRetryLater(runId: string, afterMs: number): void;
  clock: Clock;
  log: Logger;
}

/** Writes how an attempt ended. */
type WriteEnding = () => Promise<void>;

/**
 * Performs a claimed run once and records how it ended:
 *
 * | the executor          | the run becomes                                                          |
 * |-----------------------|--------------------------------------------------------------------------|
 * | returns               | `completed`; `failed` if the output is wrong and `strictOutput` is set   |
 * | throws ExecutionFailed| `failed`, with its message                                               |
 * | throws ActionRequired | `action_required`                                                        |
 * | throws RetryLater     | `queued`, not to be claimed before its time                              |
 * | throws anything else  | `failed`, with a message that names only the `ref_id` of the log's entry |
 *
 * Once `signal` is aborted, its reason decides, whatever the executor does: CancelRequested → `cancelled`,
 * WorkerStopping → `queued`, LeaseLost → nothing is written. A run that is being cancelled becomes `cancelled` in every
 * case. `onExecuted` is called when nothing is left but to record the ending.
 */
export async function performAttempt(
  claimed: ClaimedRun,
  { signal, onExecuted }: { signal: AbortSignal; onExecuted: () => void },
  context: AttemptContext,
): Promise<void> {
  const { runs, clock } = context;
  const log = context.log.child({ run_id: claimed.runId, attempt: claimed.attempt });
  const progress = createProgressBuffer(clock, (events) => runs.appendProgress(claimed, events));
  const report = (event: ProgressEvent) => {
    if (recordsEvents(claimed.input)) progress.add(event);
  };
  let record: WriteEnding;
  try {
    const ending = await execute(claimed, { signal, onExecuted, report }, context);
    const rest = await progress.take();
    record = () => finish(runs, claimed, ending, rest);
  } catch (error) {
    // After an abort, the reason of the signal counts, whatever error the executor throws.
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (cause instanceof RetryLater) {
      report({ type: "task_run.progress_msg.exec_status", message: cause.message });
    }
    const recordFailure = failureRecorder(claimed, cause, { ...context, log });
    record = async () => {
      await progress.flush();
      await recordFailure();
    };
  }
  await persist(record, { ...context, log });
}

async function execute(
  claimed: ClaimedRun,
  {
    signal,
    onExecuted,
    report,
  }: { signal: AbortSignal; onExecuted: () => void; report: (event: ProgressEvent) => void },
  { runs, executor, strictOutput }: AttemptContext,
): Promise<RunEnding> {
  const { input } = claimed;
  let isOver = false;
  const { output, warnings } = await executor
    .execute({
      runId: claimed.runId,
      createdMs: Date.parse(claimed.createdAt),
      input,
      previous: await runs.readConversation(claimed.tenantId, input.previous_interaction_id),
      signal,
      report: async (event) => {
        signal.throwIfAborted();
        // The same worker may be at the next attempt by now, which has its own log.
        if (!isOver) report(event);
      },
    })
    .finally(() => (isOver = true));
  onExecuted();
  const departures = await checkOutput(input, output);
  const [first] = departures;
  if (strictOutput && first !== undefined) throw new ExecutionFailed(first.message);
  return {
    status: "completed",
    output,
    warnings: mergeWarnings(claimed.warnings, warnings, departures),
  };
}

async function finish(
  runs: RunStore,
  claimed: ClaimedRun,
  ending: RunEnding,
  progress?: readonly ProgressEvent[],
): Promise<void> {
  const isFinished = await runs.finish(claimed, ending, progress);
  // Cancelled before it finished: the result is discarded.
  if (!isFinished) await runs.acknowledgeCancel(claimed);
}

/** Returns the write that records why a run did not complete. */
function failureRecorder(
  claimed: ClaimedRun,
  error: unknown,
  { runs, clock, log, onRetryLater }: AttemptContext,
): WriteEnding {
  /**
   * Makes the change. If the run is being cancelled, acknowledges the cancel instead. Resolves to whether the change
   * was made.
   */
  async function unlessCancelled(change: () => Promise<boolean>): Promise<boolean> {
    if (await change()) return true;
    await runs.acknowledgeCancel(claimed);
    return false;
  }

  if (error instanceof CancelRequested)
    return async () => void (await runs.acknowledgeCancel(claimed));
  if (error instanceof WorkerStopping) {
    return async () => void (await unlessCancelled(() => runs.release(claimed)));
  }
  if (error instanceof LeaseLost) {
    log.warn("the lease was lost; another worker has the run");
    return async () => {};
  }
  if (error instanceof ActionRequired) {
    const { message, deadlineSeconds, takesAnswer } = error;
    const action = {
      untilMs: Math.floor(clock.now() + deadlineSeconds * 1_000),
      warnings: [...claimed.warnings, { type: "warning", message, detail: null }],
      takesAnswer,
    };
    return async () => void (await unlessCancelled(() => runs.requireAction(claimed, action)));
  }
  if (error instanceof RetryLater) {
    const { afterMs } = error;
    const notBeforeMs = clock.now() + afterMs;
    log.info({ reason: error.message, after_ms: afterMs }, "run is retried later");
    return async () => {
      if (await unlessCancelled(() => runs.retryLater(claimed, notBeforeMs))) {
        onRetryLater(claimed.runId, afterMs);
      }
    };
  }
  const refId = randomUUID();
  const isForUser = error instanceof ExecutionFailed;
  const message = isForUser
    ? error.message
    : "The engine failed while it performed this run. Its log has the cause under this ref_id.";
  if (isForUser) log.info({ reason: message, ref_id: refId }, "run failed");
  else log.error({ err: error, ref_id: refId }, "run failed");
  const ending: RunEnding = { status: "failed", error: { ref_id: refId, message, detail: null } };
  return () => finish(runs, claimed, ending);
}

/**
 * Records how a run ended. When the disk is full or the database locked, the result is not lost: the worker keeps the
 * run and its lease, and tries again. Nothing is written twice, because an ending needs the lease.
 */
async function persist(
  record: WriteEnding,
  { stopping, clock, log }: Pick<AttemptContext, "stopping" | "clock" | "log">,
): Promise<void> {
  let delayMs: number = ENDING_RETRY.firstMs;
  for (;;) {
    try {
      await record();
      return;
    } catch (error) {
      const isTransient = error instanceof DatabaseFull || error instanceof DatabaseLocked;
      if (!isTransient || stopping.aborted) {
        // The lease expires, and another attempt follows.
        log.error({ err: error }, "could not record how the run ended");
        return;
      }
      log.warn({ err: error }, "could not record how the run ended; trying again");
    }
    // When the worker is stopping, the sleep ends early and one last attempt follows at once.
    await clock.sleep(delayMs, stopping).catch(() => undefined);
    delayMs = Math.min(delayMs * 2, ENDING_RETRY.maxMs);
  }
}
