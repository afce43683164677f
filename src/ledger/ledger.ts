import { z } from "zod";
import type { RunOutput } from "../task-api/output.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { TaskRun } from "../task-api/run.ts";

/**
 * The durable record of the runs that were started here, for one scope. A method that asks throws `LedgerUnavailable`
 * when the ledger cannot be used. A method that notes down what has happened never rejects: the run exists, with or
 * without the note; it is logged once per cause instead.
 */
export interface Ledger {
  /**
   * Writes down runs that are about to be created, before the request is sent: all or none. Each is `unknown` until
   * {@link accept} or {@link release}; when neither comes (a crash, an answer that was lost), it stays `unknown`.
   * Throws `LedgerUnavailable`; then nothing is written down, and whether to create the runs is the caller's choice.
   */
  reserve(requests: readonly StartRunRequest[], limits?: SpendingLimits): Promise<Reservation>;
  /**
   * Notes that the backend accepted runs. False: it cannot be written now, and is as soon as the ledger can be used
   * again, if this process lives until then.
   */
  accept(accepted: readonly AcceptedRun[]): Promise<boolean>;
  /** Notes runs that started while nothing could be reserved for them; written as {@link accept} is. */
  adopt(
    started: readonly { request: StartRunRequest; run: AcceptedRun["run"] }[],
  ): Promise<boolean>;
  /**
   * Notes that runs were surely not accepted: their entries, and their claim on keys and budget, go away; with
   * `minAgeMs`, only of those that were written down that long ago.
   */
  release(entryIds: readonly number[], options?: { minAgeMs: number }): Promise<void>;
  /** Notes that the request of runs ended without an answer: they stay `unknown` and are no longer being sent. */
  endSending(entryIds: readonly number[]): Promise<void>;
  /** Those of the entries that are there, oldest first: as soon as none is being sent, or `maxMs` are over. */
  whenSent(entryIds: readonly number[], maxMs: number): Promise<LedgerEntry[]>;
  /**
   * Notes what was observed of a run; a run without an entry is ignored, and a terminal state never changes. Cheap to
   * call with every step of a run: a new status is written at once, progress at most every 5 s.
   */
  record(runId: string, observed: RunObservation): Promise<void>;
  /** Notes the states of many runs at once, by the same rules. */
  recordAll(runs: readonly TaskRun[]): Promise<void>;
  /** The same with their outputs, where they have any. */
  recordRows(rows: readonly Pick<RunObservation, "run" | "output">[]): Promise<void>;

  find(runId: string): Promise<LedgerEntry | null>;
  findByKey(idempotencyKey: string): Promise<LedgerEntry | null>;
  /** Which of these runs have an entry in any scope of the account. */
  findClaimed(runIds: readonly string[]): Promise<Set<string>>;
  /** Which of these runs have an entry in this scope. */
  findOwn(runIds: readonly string[]): Promise<Set<string>>;
  /** The run of this scope that the interaction belongs to. */
  findByInteraction(interactionId: string): Promise<LedgerEntry | null>;
  /**
   * Finds, by fingerprint, the newest run of each of these requests that was started since then and is active or
   * completed, according to the last observation.
   */
  findAlike(fingerprints: readonly string[], sinceMs: number): Promise<Map<string, LedgerEntry>>;
  /** The output of a completed run, unless it was never read, was too large, or had to make room. */
  readOutput(runId: string): Promise<RunOutput | null>;
  /** Newest first. Throws `InvalidCursor` too. */
  list(query: EntryQuery): Promise<EntryPage>;
  /** How many entries {@link list} gives on all its pages; of many only whether there are more than 10,000. */
  count(filter: EntryFilter): Promise<EntryCount>;
  /** Groups with entries that fit, the one with the newest entry first, and how many groups there are. */
  listGroups(
    query: EntryFilter & { limit: number; offset: number },
  ): Promise<{ groups: LedgerGroupCounts[]; total: number }>;
  spending(): Promise<Spending>;
  /** The cost of runs started since 00:00 UTC, in US dollars: by the whole account, and by this scope. */
  spentToday(): Promise<{ accountUsd: number; ownUsd: number }>;

  /**
   * Records a request about a group, before its runs are reserved. If `isNew` is false, the key belongs to the earlier
   * request that is returned; compare the fingerprints to see whether it is the same request.
   */
  rememberGroup(request: GroupRequest): Promise<{ request: LedgerGroupRequest; isNew: boolean }>;
  /** The retries in a group that the backend accepted, oldest first; the cost depends on their number alone. */
  listRetries(taskgroupId: string): Promise<LedgerRetry[]>;
  /** Finds, by run, the newest of its retries that the backend accepted. */
  findRetriedAs(runIds: readonly string[]): Promise<Map<string, LedgerRetry>>;
  findGroupRequest(idempotencyKey: string): Promise<LedgerGroupRequest | null>;
}

/** A run that is to be started. */
export interface StartRunRequest {
  /** The request to send. The ledger stores only its fingerprint and the question. */
  input: RunInput;
  /** Null when the price is not known; such a run counts as free. */
  priceUsd: number | null;
  /** The same key means the same run, also in other processes and after a restart. */
  idempotencyKey: string | null;
  taskgroupId?: string | null;
  /** The run of the same group that it runs again. */
  retryOf?: string | null;
}

export interface SpendingLimits {
  /** The budget of all scopes of the account together for a UTC day, in US dollars. */
  budgetUsdPerDay?: number | undefined;
  /** The budget of this scope alone for a UTC day, in US dollars. */
  ownBudgetUsdPerDay?: number | undefined;
}

export type Reservation =
  /**
   * In the order of the requests. `isNew` is false when a run of the same key and the same request was there already.
   */
  | { kind: "reserved"; entries: { entry: LedgerEntry; isNew: boolean }[] }
  /**
   * `spentUsd`: the cost today of the account, or of the scope if it has a budget of its own. `askedUsd`: the price of
   * the new runs.
   */
  | { kind: "over_budget"; spentUsd: number; askedUsd: number; budgetUsd: number }
  /** The key of the request at `index` belongs to another request: to `entry`, or (null) to an earlier one of these. */
  | { kind: "key_conflict"; index: number; idempotencyKey: string; entry: LedgerEntry | null };

/** A run that the backend has accepted; for a run in a group only the id is known. */
export interface AcceptedRun {
  entryId: number;
  run: Pick<TaskRun, "run_id"> &
    Partial<Pick<TaskRun, "status" | "is_active" | "interaction_id" | "modified_at" | "error">>;
}

/** An observation of a run. */
export interface RunObservation {
  run: TaskRun;
  /** The output of a completed run, if it was read. */
  output: RunOutput | null;
  /** 0 to 100; null when it was not observed. */
  percent: number | null;
  /** Oldest first; empty when they were not observed. */
  messages: readonly LedgerMessage[];
}

/** A step of a run in words. */
export const LedgerMessage = z.object({
  /** The part after `task_run.progress_msg.`, such as `plan` or `search`. */
  kind: z.string(),
  message: z.string(),
  timestamp: z.string().nullable(),
});
export type LedgerMessage = z.infer<typeof LedgerMessage>;

/** A run as the ledger stores it. Times are RFC 3339 in UTC. */
export interface LedgerEntry {
  entryId: number;
  /** Null until the backend is known to have accepted the run. */
  runId: string | null;
  taskgroupId: string | null;
  interactionId: string | null;
  /** The beginning of the input; of an object, its JSON. */
  question: string;
  processor: string;
  priceUsd: number | null;
  idempotencyKey: string | null;
  /** The run of the same group that it runs again. */
  retryOf: string | null;
  /** The fingerprint of the request, from `fingerprintRequest`. */
  fingerprint: string;
  /** Whether a process is sending its request at this moment, as far as that can be known. */
  isBeingSent: boolean;
  /**
   * The last status that the backend reported; {@link UNKNOWN} while it is not known whether the backend accepted the
   * run.
   */
  status: string;
  /** Whether the run is queued or running, as the backend last reported it. */
  isActive: boolean;
  /** When the run was written down, before it was sent. */
  createdAt: string;
  /** When the backend last changed the run; `createdAt` until it has reported a time. */
  modifiedAt: string;
  finishedAt: string | null;
  /** When something about it was last written down. */
  writtenAt: string;
  /** Why the run failed. */
  error: string | null;
  /** 0 to 100. */
  percent: number | null;
  /** The last few, oldest first. */
  messages: LedgerMessage[];
}

/** The status of an entry whose run the backend may or may not have accepted. */
export const UNKNOWN = "unknown";

/** A filter for entries; every condition that is set must hold. */
export interface EntryFilter {
  /** `active`: the backend works on the run, or will. Else any of these, with `unknown`. */
  status?: "active" | readonly string[] | undefined;
  /** Words that the question must all contain, in any order and case; no character has a special meaning. */
  text?: string | undefined;
  /** `null`: runs outside of groups. */
  taskgroupId?: string | null | undefined;
  /** Created at this moment or later, in epoch milliseconds. */
  sinceMs?: number | undefined;
  /** Created before this moment, in epoch milliseconds. */
  untilMs?: number | undefined;
}

export interface EntryQuery extends EntryFilter {
  /** At least 1. */
  limit: number;
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
}

export interface EntryPage {
  /** Newest first. */
  entries: LedgerEntry[];
  /** Leads to older entries; null on the last page. */
  nextCursor: string | null;
}

/** `isAtLeast`: there are more than were counted. */
export interface EntryCount {
  count: number;
  isAtLeast: boolean;
}

/** The states of the runs of a group. */
export interface LedgerGroupCounts {
  taskgroupId: string;
  /** The number of runs by status. */
  counts: Record<string, number>;
  /** When the first of them was written down. */
  createdAt: string;
}

/**
 * The costs in US dollars. Failed and cancelled runs cost nothing. A run that has not ended counts with its price, and
 * so does one that the backend may or may not have accepted.
 */
export interface Spending {
  /** The cost of runs started since 00:00 UTC. */
  todayUsd: number;
  /** Ever, with the runs that retention has removed. */
  totalUsd: number;
  /** The part of the total for runs that have not ended. */
  activeUsd: number;
}

/** A request that created a group, or added runs to it. */
export interface GroupRequest {
  taskgroupId: string;
  idempotencyKey: string | null;
  /**
   * The fingerprint of the request, from `fingerprintRequest`: the same key with another fingerprint is a mistake of
   * the caller.
   */
  fingerprint: string;
  /** The number of runs in the request. */
  size: number;
}

export interface LedgerGroupRequest extends GroupRequest {
  /** RFC 3339 in UTC. */
  createdAt: string;
}

/** A run that runs another one of its group again. */
export interface LedgerRetry {
  runId: string;
  retryOf: string;
  /** The last status that the backend reported. */
  status: string;
}
