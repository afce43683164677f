import type { Generated } from "kysely";

/** One row per task run: the truth about it. Source of the statuses: `RunStatus` in `task-api/`. */
export interface RunsTable {
  run_id: string;
  interaction_id: string;
  /** The tenant that owns the run; no other tenant sees it. */
  tenant_id: string;
  taskgroup_id: string | null;
  status: string;
  processor: string;
  /** The price of the run for its tenant if it completes, in US dollars. */
  price_usd: number;
  /** Which executor configuration may perform the run; a worker claims only its own. */
  executor_key: string;
  /** JSON, the `RunInput` as accepted. */
  input: string;
  /** 1: the input may have a webhook, to be sent when the run ends; 0: it has none. */
  has_webhook: Generated<number>;
  /** JSON `RunOutput`, once completed. */
  output: string | null;
  /** JSON `RunError`, once failed. */
  error: string | null;
  /** JSON array of `RunWarning`. */
  warnings: string | null;
  /** How often the run was claimed; with `lease_owner` it fences every finish. */
  attempt: Generated<number>;
  lease_owner: string | null;
  /** Epoch milliseconds. */
  lease_until: number | null;
  /** Epoch milliseconds: when a run in `action_required` fails for want of an answer. */
  action_until: number | null;
  /** Epoch milliseconds: when a queued run may be claimed again; null when it may be claimed now. */
  not_before: Generated<number | null>;
  created_at: string;
  modified_at: string;
  /** For a run of a group, the event with which it began: the order of the group's runs. */
  first_event_id: Generated<number | null>;
}

/** Runs that are created and watched together. */
export interface TaskGroupsTable {
  taskgroup_id: string;
  tenant_id: string;
  /** JSON object. */
  metadata: string | null;
  created_at: string;
}

/** A tenant's spending: its completed runs, even if retention has removed them, and those that may still complete. */
export interface TenantSpendingTable {
  tenant_id: string;
  spent_usd: number;
}

/** The answer that was given to a POST with an `Idempotency-Key`, so that the same request gets it again. */
export interface IdempotencyKeysTable {
  tenant_id: string;
  key: string;
  /** SHA-256 of method, path and body: another request must not use the key. */
  request_hash: string;
  answer_status: number;
  answer_body: string;
  created_ms: number;
}

/**
 * The outbox of webhooks: a row is written in the transaction of the status that it reports, and delivered afterwards.
 */
export interface WebhookDeliveriesTable {
  /** The `webhook-id` header, the same on every attempt. */
  webhook_id: string;
  run_id: string;
  url: string;
  body: string;
  attempts: Generated<number>;
  /** Epoch milliseconds; null once it is delivered or given up. */
  next_attempt_ms: number | null;
  created_ms: number;
  /**
   * Why the last attempt failed; null once the webhook is delivered, so that a value in an ended row means it was given
   * up.
   */
  last_problem: string | null;
}

/** The event log: append-only, written in the transaction of the change that it records. */
export interface RunEventsTable {
  /** Rises over all runs, so that another process can ask what is new. */
  id: Generated<number>;
  run_id: string;
  /** Rises by one within a run, from 1. */
  seq: number;
  type: string;
  /** JSON: the event's fields without `type`; for `task_run.state` only the status. */
  body: string;
  created_at: string;
}

/** A file of a document folder, as it was when it was last indexed. */
export interface DocumentsTable {
  id: Generated<number>;
  /** Absolute path of the document folder: several folders share one database. */
  folder: string;
  /** Path inside the folder, with forward slashes. */
  path: string;
  /** Epoch milliseconds of the file's last change, and its size: they show whether the file has changed. */
  modified_ms: number;
  size_bytes: number;
  title: string;
  url: string;
  /** `YYYY-MM-DD`, if the document contains a date. */
  published_on: string | null;
  passage_count: number;
  /** SHA-256 of the title and the passages: what a run has seen is kept under it. */
  content_hash: Generated<string>;
  /** JSON array: what of the file was not read, in words that follow its name; null for nothing. */
  problems: string | null;
}

/** A version of a file that took too much time or memory to read: it is not tried again. */
export interface CostlyFilesTable {
  folder: string;
  path: string;
  modified_ms: number;
  size_bytes: number;
  /** In words that follow the name of the file. */
  reason: string;
}

/** A searchable piece of a document, in an FTS5 table: all columns but `place` are indexed. */
export interface PassagesTable {
  /** Document id and position in one number: beside its words, an FTS5 table can be searched only by this. */
  rowid: number;
  title: string;
  heading: string;
  text: string;
  /** The full dates of the text, each as one word: `20120102`. */
  dates: string;
  /** Where the passage begins in its file, such as `page 9`; empty where that says nothing. */
  place: string;
}

/** The words of all passages as FTS5 has indexed them. */
export interface PassageWordsTable {
  term: string;
  /** How many passages hold the word. */
  doc: number;
  /** How often it occurs. */
  cnt: number;
}

/** One row: a number that rises with every change of the documents, by any process. */
export interface DocumentIndexTable {
  version: number;
}

/** What runs have seen of pages, under the hash of their content: a page is stored once for all runs. */
export interface EvidencePagesTable {
  hash: string;
  passage_count: number;
  /** JSON array of headings, each with the position of the first passage below it. */
  outline: string;
}

/** Neighbouring passages of a page, those near a hit only. */
export interface EvidenceBlocksTable {
  hash: string;
  /** From 0: the position of its first passage divided by the size of a block. */
  block: number;
  /** JSON array. */
  passages: string;
}

/** A page that a run has seen. The fields that the hash does not cover are of the run: two files may have one content. */
export interface RunEvidenceTable {
  run_id: string;
  /** From 1, in the order in which the run found them. */
  page: number;
  hash: string;
  title: string;
  url: string;
  published_on: string | null;
  /** JSON array of `[order, position]`: the passages that were hits, and where each is among the hits of the run. */
  hits: string;
}

/** What came from outside for a run that asked for an answer. */
export interface RunSubmissionsTable {
  run_id: string;
  /** How many answers were refused. */
  refused: Generated<number>;
  /** JSON array: the queries for more evidence, of all submissions. */
  queries: Generated<string>;
  /** How many hits there were before the last queries: the evidence after them is new. */
  shown: Generated<number>;
  /** JSON `RunOutput`, once an answer was accepted. */
  output: string | null;
}

export interface DatabaseSchema {
  runs: RunsTable;
  run_events: RunEventsTable;
  task_groups: TaskGroupsTable;
  tenant_spending: TenantSpendingTable;
  idempotency_keys: IdempotencyKeysTable;
  webhook_deliveries: WebhookDeliveriesTable;
  documents: DocumentsTable;
  costly_files: CostlyFilesTable;
  passages: PassagesTable;
  passage_words: PassageWordsTable;
  document_index: DocumentIndexTable;
  evidence_pages: EvidencePagesTable;
  evidence_blocks: EvidenceBlocksTable;
  run_evidence: RunEvidenceTable;
  run_submissions: RunSubmissionsTable;
}
