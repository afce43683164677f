import { sql } from "kysely";
import { readEntry, selectEntries } from "./entry.ts";
import { InvalidCursor } from "./errors.ts";
import { foldText } from "./fold-text.ts";
import type { EntryPage, EntryQuery, LedgerEntry } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";

export async function findByRun(
  db: LedgerDatabase,
  scope: string,
  runId: string,
  nowMs: number,
): Promise<LedgerEntry | null> {
  const row = await selectEntries(db, scope).where("run_id", "=", runId).executeTakeFirst();
  return row === undefined ? null : readEntry(row, nowMs);
}

export async function findByKey(
  db: LedgerDatabase,
  scope: string,
  idempotencyKey: string,
  nowMs: number,
): Promise<LedgerEntry | null> {
  const row = await selectEntries(db, scope)
    .where("idempotency_key", "=", idempotencyKey)
    .executeTakeFirst();
  return row === undefined ? null : readEntry(row, nowMs);
}

/** Those of the entries that are there, oldest first. */
export async function findByIds(
  db: LedgerDatabase,
  scope: string,
  entryIds: readonly number[],
  nowMs: number,
): Promise<LedgerEntry[]> {
  const rows = await selectEntries(db, scope)
    .where(
      "entries.id",
      "in",
      sql<number>`(select value from json_each(${JSON.stringify(entryIds)}))`,
    )
    .orderBy("entries.id")
    .execute();
  return rows.map((row) => readEntry(row, nowMs));
}

export async function findClaimed(
  db: LedgerDatabase,
  { account }: ScopeIds,
  runIds: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom("entries")
    .select("run_id")
    .where("account", "=", account)
    .where("run_id", "in", sql<string>`(select value from json_each(${JSON.stringify(runIds)}))`)
    .execute();
  return new Set(rows.flatMap(({ run_id }) => run_id ?? []));
}

export async function knowsInteraction(
  db: LedgerDatabase,
  { account, scope }: ScopeIds,
  interactionId: string,
): Promise<boolean> {
  const row = await db
    .selectFrom("entries")
    .select("id")
    .where("account", "=", account)
    .where("scope", "=", scope)
    .where("interaction_id", "=", interactionId)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * A page of entries. New entries get higher ids than all before them, so one that comes while somebody pages is never
 * between two pages.
 */
export async function listEntries(
  db: LedgerDatabase,
  { account, scope }: ScopeIds,
  { status, text, taskgroupId, sinceMs, untilMs, limit, cursor }: EntryQuery,
  nowMs: number,
): Promise<EntryPage> {
  let query = selectEntries(db, scope)
    .orderBy("entries.id", "desc")
    .limit(limit + 1);
  if (status === "active") query = query.where("is_active", "=", sql.lit(1));
  else if (status !== undefined) query = query.where("status", "in", status);
  if (taskgroupId !== undefined) query = query.where("taskgroup_id", "=", taskgroupId);
  if (sinceMs !== undefined) {
    query = query.where("created_ms", ">=", sinceMs).where("entries.id", ">=", ({ selectFrom }) =>
      // Says nothing new, but ends the search where all others are older.
      selectFrom("entries as recent")
        .select(({ fn }) => fn.min("recent.id").as("id"))
        .where("recent.account", "=", account)
        .where("recent.scope", "=", scope)
        .where("recent.created_ms", ">=", sinceMs),
    );
  }
  if (untilMs !== undefined) query = query.where("created_ms", "<", untilMs);
  if (text !== undefined) {
    query = query.where(sql<number>`instr(question_folded, ${foldText(text)})`, ">", 0);
  }
  if (cursor !== undefined) query = query.where("entries.id", "<", readCursor(cursor));
  const rows = await query.execute();
  const entries = rows.slice(0, limit).map((row) => readEntry(row, nowMs));
  const last = entries.at(-1);
  return {
    entries,
    nextCursor: rows.length > limit && last !== undefined ? String(last.entryId) : null,
  };
}

function readCursor(cursor: string): number {
  if (!/^[1-9]\d{0,14}$/.test(cursor)) throw new InvalidCursor();
  return Number(cursor);
}
