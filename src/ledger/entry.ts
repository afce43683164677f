import type { InferResult } from "kysely";
import { z } from "zod";
import { ownerHasEnded } from "../database/process-owner.ts";
import { type LedgerEntry, LedgerMessage } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import { toUsd } from "./spending.ts";

/** No create takes longer, however slow its backend: a sender of which nothing can be known has ended by then. */
const SENDING_MAX_MS = 120_000;

/** The entries of a scope, as {@link readEntry} wants them. */
export function selectEntries(db: LedgerDatabase, scope: string) {
  return db
    .selectFrom("entries")
    .select([
      "entries.id",
      "entries.run_id",
      "entries.taskgroup_id",
      "entries.interaction_id",
      "entries.idempotency_key",
      "entries.retry_of",
      "entries.request_hash",
      "entries.question",
      "entries.processor",
      "entries.sender",
      "entries.price_micros",
      "entries.status",
      "entries.is_active",
      "entries.percent",
      "entries.messages",
      "entries.error",
      "entries.created_ms",
      "entries.modified_ms",
      "entries.finished_ms",
      "entries.written_ms",
    ])
    .where("entries.scope", "=", scope);
}

export type EntryRow = InferResult<ReturnType<typeof selectEntries>>[number];

export function readEntry(row: EntryRow, nowMs: number): LedgerEntry {
  const createdAt = formatTime(row.created_ms);
  return {
    entryId: row.id,
    runId: row.run_id,
    taskgroupId: row.taskgroup_id,
    interactionId: row.interaction_id,
    question: row.question,
    processor: row.processor,
    priceUsd: row.price_micros === null ? null : toUsd(row.price_micros),
    idempotencyKey: row.idempotency_key,
    retryOf: row.retry_of,
    fingerprint: row.request_hash,
    isBeingSent:
      row.sender !== null && nowMs - row.created_ms < SENDING_MAX_MS && !ownerHasEnded(row.sender),
    status: row.status,
    isActive: row.is_active === 1,
    createdAt,
    modifiedAt: row.modified_ms === null ? createdAt : formatTime(row.modified_ms),
    finishedAt: row.finished_ms === null ? null : formatTime(row.finished_ms),
    writtenAt: formatTime(row.written_ms),
    error: row.error,
    percent: row.percent,
    messages: row.messages === null ? [] : z.array(LedgerMessage).parse(JSON.parse(row.messages)),
  };
}

export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** Text as it is searched: without case, and the same for the several ways of writing one letter. */
export function foldQuestion(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
