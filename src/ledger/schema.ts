import type { Generated, Kysely } from "kysely";

/** One row per run that was, or may have been, started. Times are epoch milliseconds. */
export interface EntriesTable {
  /** Rises with every reservation over all processes and is never used twice: the order of the list. */
  id: Generated<number>;
  account: string;
  scope: string;
  /** Null until the backend is known to have accepted the run. */
  run_id: string | null;
  taskgroup_id: string | null;
  interaction_id: string | null;
  idempotency_key: string | null;
  /** The run of the same group that this one runs again. */
  retry_of: string | null;
  request_hash: string;
  question: string;
  /** The question as it is searched: see `foldQuestion`. */
  question_folded: string;
  processor: string;
  /** Millionths of a dollar. */
  price_micros: number | null;
  /** The process that is sending the request; null once its answer came, or will not come. See `createProcessOwner`. */
  sender: string | null;
  /** The status that the backend reported; `unknown` while the backend's answer is not known. */
  status: string;
  is_active: number;
  percent: number | null;
  /** JSON array of `LedgerMessage`. */
  messages: string | null;
  error: string | null;
  created_ms: number;
  /** By the backend's clock: shows which of two observations of the run is newer. */
  modified_ms: number | null;
  finished_ms: number | null;
  /** When this row was last written; retention counts from here. */
  written_ms: number;
}

/** Outputs of completed runs, in the order in which they were stored. */
export interface OutputsTable {
  id: Generated<number>;
  entry_id: number;
  bytes: number;
  /** JSON `RunOutput`. */
  json: string;
}

/** One row per request that created a group or added runs to it. */
export interface GroupRequestsTable {
  id: Generated<number>;
  scope: string;
  taskgroup_id: string;
  idempotency_key: string | null;
  request_hash: string;
  size: number;
  created_ms: number;
}

/** The cost of entries that retention has removed: it still belongs to the total. */
export interface RemovedSpendingTable {
  scope: string;
  micros: number;
}

/** The total cost of the entries of a scope; updated by triggers. */
export interface SpendingTotalsTable {
  scope: string;
  micros: number;
}

export interface LedgerSchema {
  entries: EntriesTable;
  outputs: OutputsTable;
  group_requests: GroupRequestsTable;
  removed_spending: RemovedSpendingTable;
  spending_totals: SpendingTotalsTable;
}

export type LedgerDatabase = Kysely<LedgerSchema>;
