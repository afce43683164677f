import type { RunOutput } from "../../task-api/output.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { RunError, RunStatus, RunWarning } from "../../task-api/run.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { DeliveryQueue } from "./delivery-queue.ts";
import type { GroupStore } from "./group-store.ts";
import type { AnswerStore } from "./kept-answers.ts";
import type { AcceptOptions, NewRun } from "./new-run.ts";
import type { RunRecord } from "./run-record.ts";
import type { SubmissionStore } from "./submissions.ts";

/**
 * The engine's runs behind one interface: everything above it works on any database, and one contract suite holds every
 * implementation to it. The rules that all of them keep:
 *
 * - A change of status names the statuses it may start from. If the run has another status, nothing changes and the
 *   method reports it.
 * - Terminal statuses never change.
 * - A worker's write needs its lease (owner and attempt): after the lease is lost it changes nothing.
 * - The event log, the outbox of webhooks and the tenant's spending change in the transaction of the status.
 * - {@link RunStore.changes} is notified of a change after the commit.
 */
export interface RunStore {
  // Operations of API callers.

  /**
   * Accepts runs, all or none: they are durable and `queued` when this resolves. Throws `BudgetExceeded` or
   * `QuotaExceeded` when the limits of `tenant` do not allow them.
   */
  accept(newRuns: readonly NewRun[], options?: AcceptOptions<RunRecord[]>): Promise<RunRecord[]>;
  /**
   * Asks for the end of a run: a waiting one is `cancelled` at once, a running one is `cancelling` until its worker
   * stops. Resolves to the run as it is then, and whether it had finished before; undefined for an unknown run.
   */
  cancel(runId: string): Promise<{ run: RunRecord; alreadyFinished: boolean } | undefined>;

  // Operations of workers.

  /** Takes up to `limit` queued runs that are ready, oldest first, each with a new attempt and a lease. */
  claim(request: ClaimRequest): Promise<ClaimedRun[]>;
  /** Extends the leases of these runs; resolves to the status of each that `owner` still holds. */
  renew(owner: string, runIds: readonly string[], leaseMs: number): Promise<Map<string, string>>;
  /** The status of a run that `lease` still holds, else undefined. */
  heldStatus(lease: Lease): Promise<string | undefined>;
  /** Appends progress while the lease holds the run, also while it is `cancelling`. False: nothing was appended. */
  appendProgress(lease: Lease, events: readonly ProgressEvent[]): Promise<boolean>;
  /**
   * `running` → `completed` or `failed`, after the progress that was not appended yet. False when the run is no longer
   * running under this lease: the ending is discarded.
   */
  finish(lease: Lease, ending: RunEnding, progress?: readonly ProgressEvent[]): Promise<boolean>;
  /** `running` → `action_required`, without a lease. The attempt does not count. */
  requireAction(lease: Lease, required: RequiredAction): Promise<boolean>;
  /** `running` → `queued`, not to be claimed before `notBeforeMs`. The attempt does not count. */
  retryLater(lease: Lease, notBeforeMs: number): Promise<boolean>;
  /** `running` → `queued`, because the worker's process ends. The attempt does not count. */
  release(lease: Lease): Promise<boolean>;
  /** `cancelling` → `cancelled`: the worker has stopped. */
  acknowledgeCancel(lease: Lease): Promise<boolean>;
  /**
   * Takes back the runs of lost workers: `running` → `queued` while attempts remain, else `failed`; `cancelling` →
   * `cancelled`. Resolves to their number.
   */
  recover(options: RecoveryOptions): Promise<number>;
  /** `action_required` → `failed`, for every run whose deadline has passed. Resolves to their number. */
  failUnanswered(refId: () => string): Promise<number>;

  // Reads.

  find(runId: string): Promise<RunRecord | undefined>;
  /** Several runs by id; those that are gone are missing. An output can be large: read it only where it is needed. */
  findMany(
    runIds: readonly string[],
    options: { withOutput: boolean },
  ): Promise<Map<string, RunRecord>>;
  findInteraction(tenantId: string, interactionId: string): Promise<RunRecord | undefined>;
  /**
   * The conversation that a run follows up on, oldest first: its predecessor (by interaction id), that one's
   * predecessor, and so on. Only completed runs of the same tenant have an answer to give.
   */
  readConversation(
    tenantId: string,
    interactionId: string | null | undefined,
  ): Promise<{ runId: string; input: RunInput["input"]; output: RunOutput }[]>;
  /** A page of a tenant's runs, newest first. */
  list(query: RunListQuery): Promise<RunPage>;
  /** The events of a run after `afterSeq`, oldest first. */
  readEvents(runId: string, afterSeq: number): Promise<LoggedEvent[]>;
  countAll(): Promise<StoreCounts>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;

  readonly groups: GroupStore;
  readonly answers: AnswerStore;
  readonly submissions: SubmissionStore;
  readonly deliveries: DeliveryQueue;
  readonly expired: ExpiredRows;
  readonly changes: ChangeFeed;
  /** Closes the database. First close {@link RunStore.changes} and wait until all waiting requests have ended. */
  close(): Promise<void>;
}

/** The worker that holds a run: a write is fenced by owner and attempt, so a worker that lost its lease changes nothing. */
export interface Lease {
  runId: string;
  owner: string;
  attempt: number;
}

/** What a run waits for. */
export interface RequiredAction {
  /** Epoch milliseconds: then it fails. */
  untilMs: number;
  /** They replace those of the run; the last one says what it waits for. */
  warnings: RunWarning[];
  /** Whether {@link RunStore.submissions} takes the answer. */
  takesAnswer: boolean;
}

export interface ClaimRequest {
  executorKey: string;
  owner: string;
  leaseMs: number;
  limit: number;
}

/** A run to perform, and what was found questionable about it when it was accepted. */
export interface ClaimedRun extends Lease {
  tenantId: string;
  createdAt: string;
  input: RunInput;
  warnings: RunWarning[];
}

export type RunEnding =
  | { status: "completed"; output: RunOutput; warnings: RunWarning[] }
  | { status: "failed"; error: RunError };

export interface RecoveryOptions {
  /** A run that was claimed so often is not tried again. */
  maxAttempts: number;
  /** Whether the process behind a lease has surely ended, so that the lease need not expire first. */
  ownerIsGone(owner: string): boolean;
  /** Makes the `ref_id` of a failure. */
  refId(): string;
}

export interface RunListQuery {
  tenantId: string;
  status?: RunStatus | undefined;
  taskgroupId?: string | undefined;
  limit: number;
  cursor?: RunCursor | undefined;
}

export interface RunPage {
  runs: RunRecord[];
  nextCursor: RunCursor | null;
}

/** The last run of a page; the next page holds older ones. */
export interface RunCursor {
  createdAt: string;
  runId: string;
}

/** One entry of a run's event log. For a state only the status is stored: the run has the rest. */
export type LoggedEvent = { seq: number } & (
  | { kind: "state"; status: RunStatus }
  | { kind: "progress"; event: ProgressEvent }
);

export interface StoreCounts {
  /** Runs by status; a status without runs may be missing. */
  runs: Map<string, number>;
  /** When the oldest queued run was created. */
  oldestQueuedAt: string | undefined;
  deliveries: { pending: number; delivered: number; given_up: number };
}

/**
 * Removes what is older than the retention period. Each method removes one batch and resolves to its size; 0 means that
 * nothing is left.
 */
export interface ExpiredRows {
  /**
   * Runs that ended before `beforeMs`, unless a webhook is still to be delivered; with their events, their webhooks and
   * the pages that only they have seen.
   */
  removeRuns(beforeMs: number): Promise<number>;
  /** Groups without runs that were created before `beforeMs`. */
  removeEmptyGroups(beforeMs: number): Promise<number>;
  /** Answers that are no longer repeated. */
  removeAnswers(): Promise<number>;
  /** Gives free space back to the system, with `pause` between the steps. */
  compact(pause: () => Promise<void>): Promise<void>;
}
