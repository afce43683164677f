import { sql } from "kysely";
import { readEntry, selectEntries } from "./entry.ts";
import { InvalidCursor } from "./errors.ts";
import { fits } from "./entry-filter.ts";
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

/** Which of these runs have an entry in this scope. */
export async function findOwn(
  db: LedgerDatabase,
  { scope }: ScopeIds,
  runIds: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom("entries")
    .select("run_id")
    .where("scope", "=", scope)
    .where("run_id", "in", sql<string>`(select value from json_each(${JSON.stringify(runIds)}))`)
    .execute();
  return new Set(rows.flatMap(({ run_id }) => run_id ?? []));
}

export async function findByInteraction(
  db: LedgerDatabase,
  scope: string,
  interactionId: string,
  nowMs: number,
): Promise<LedgerEntry | null> {
  const row = await selectEntries(db, scope)
    .where("interaction_id", "=", interactionId)
    .orderBy("entries.id")
    .executeTakeFirst();
  return row === undefined ? null : readEntry(row, nowMs);
}

/** By fingerprint, the newest run of each request that is active or has an answer. */
export async function findAlike(
  db: LedgerDatabase,
  scope: string,
  fingerprints: readonly string[],
  sinceMs: number,
  nowMs: number,
): Promise<Map<string, LedgerEntry>> {
  // By id: in the order that is wanted, SQLite would otherwise look through all entries.
  const alike = sql<number>`(
    select same.id
    from json_each(${JSON.stringify(fingerprints)}) as wanted cross join entries as same
    where same.scope = ${scope} and same.request_hash = wanted.value
      and +same.created_ms >= ${sinceMs} and same.run_id is not null
      and (+same.is_active = 1 or +same.status = 'completed')
  )`;
  const rows = await selectEntries(db, scope)
    .where("entries.id", "in", alike)
    .orderBy("entries.id")
    .execute();
  return new Map(rows.map((row) => [row.request_hash, readEntry(row, nowMs)]));
}

/**
 * A page of entries. New entries get higher ids than all before them, so one that comes while somebody pages is never
 * between two pages.
 */
export async function listEntries(
  db: LedgerDatabase,
  ids: ScopeIds,
  { limit, cursor, ...filter }: EntryQuery,
  nowMs: number,
): Promise<EntryPage> {
  const rows = await selectEntries(db, ids.scope)
    .where(fits(ids, filter))
    .$if(cursor !== undefined, (query) => query.where("entries.id", "<", readCursor(cursor ?? "")))
    .orderBy("entries.id", "desc")
    .limit(limit + 1)
    .execute();
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
