import { type RawBuilder, type SqlBool, sql } from "kysely";
import { foldQuestion, formatTime, readEntry, selectEntries } from "./entry.ts";
import { InvalidCursor } from "./errors.ts";
import type {
  EntryCount,
  EntryFilter,
  EntryPage,
  EntryQuery,
  LedgerEntry,
  LedgerGroupCounts,
} from "./ledger.ts";
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

/** Which of these runs have an entry in any scope of the account. */
export function findClaimed(
  db: LedgerDatabase,
  { account }: ScopeIds,
  runIds: readonly string[],
): Promise<Set<string>> {
  return findKnown(db, sql<SqlBool>`account = ${account}`, runIds);
}

/** Which of these runs have an entry in this scope. */
export function findOwn(
  db: LedgerDatabase,
  { scope }: ScopeIds,
  runIds: readonly string[],
): Promise<Set<string>> {
  return findKnown(db, sql<SqlBool>`scope = ${scope}`, runIds);
}

async function findKnown(
  db: LedgerDatabase,
  isOwner: RawBuilder<SqlBool>,
  runIds: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom("entries")
    .select("run_id")
    .where(isOwner)
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

/** Finds, by fingerprint, the newest run of each request that is active or completed. */
export async function findAlike(
  db: LedgerDatabase,
  scope: string,
  fingerprints: readonly string[],
  sinceMs: number,
  nowMs: number,
): Promise<Map<string, LedgerEntry>> {
  // Select ids first: with the final order in the same query, SQLite would read all entries.
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
 * A page of entries. New entries get higher ids than all before them, so a new one never
 * appears between two pages.
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

/** Counting more would take longer than the list itself, and the exact number is of no use. */
const COUNTED_ENTRIES = 10_000;

/** How many entries a filter means. Of more than 10,000 only the newest are counted. */
export async function countEntries(
  db: LedgerDatabase,
  ids: ScopeIds,
  filter: EntryFilter,
): Promise<EntryCount> {
  const { rows } = await sql<{ seen: number; count: number | null }>`
    select count(*) as seen, sum(fitting) as count from (
      select ${fitsText(filter)} as fitting from entries
      where ${fitsBesidesText(ids, filter)}
      order by entries.id desc
      limit ${COUNTED_ENTRIES + 1}
    )
  `.execute(db);
  const { seen = 0, count } = rows[0] ?? {};
  const isAtLeast = seen > COUNTED_ENTRIES;
  return { count: Math.min(count ?? 0, COUNTED_ENTRIES), isAtLeast };
}

/** The groups with entries that fit, the newest entry first; each with the latest attempts that fit. */
export async function listGroups(
  db: LedgerDatabase,
  ids: ScopeIds,
  { limit, offset, ...filter }: EntryFilter & { limit: number; offset: number },
): Promise<{ groups: LedgerGroupCounts[]; total: number }> {
  const { scope } = ids;
  const found = await sql<{ id: string; total: number }>`
    with recursive
      -- One search of the index for each group, however many runs it has.
      named(id) as (
        select min(taskgroup_id) from entries where scope = ${scope}
        union all
        select (select min(taskgroup_id) from entries
          where scope = ${scope} and taskgroup_id > named.id)
        from named where named.id is not null
      ),
      fitting as (
        select named.id, (select max(entries.id) from entries indexed by entries_by_group
          where ${fits(ids, filter)} and entries.taskgroup_id = named.id
            and ${isLatest(scope, sql.ref("named.id"))}) as newest
        from named where named.id is not null
      )
    select id, count(*) over () as total from fitting
    where newest is not null
    order by newest desc limit ${limit} offset ${offset}
  `.execute(db);
  const groups: LedgerGroupCounts[] = [];
  for (const { id } of found.rows) {
    const { rows } = await sql<{ status: string; count: number; created_ms: number }>`
      select status, count(*) as count, min(created_ms) as created_ms
      from entries indexed by entries_by_group
      where ${fits(ids, filter)} and entries.taskgroup_id = ${id} and ${isLatest(scope, sql.val(id))}
      group by status order by count desc, status
    `.execute(db);
    groups.push({
      taskgroupId: id,
      counts: Object.fromEntries(rows.map(({ status, count }) => [status, count])),
      createdAt: formatTime(Math.min(...rows.map(({ created_ms }) => created_ms))),
    });
  }
  return { groups, total: found.rows[0]?.total ?? 0 };
}

/** Whether an entry of the group has no later attempt: a retried input is counted once. */
function isLatest(scope: string, group: RawBuilder<unknown>): RawBuilder<SqlBool> {
  return sql`(entries.run_id is null or entries.run_id not in (
    select later.retry_of from entries as later indexed by entries_retries
    where later.scope = ${scope} and later.taskgroup_id = ${group}
      and later.retry_of is not null and later.run_id is not null))`;
}

/** The filter as a condition on `entries`, limited to one scope. */
function fits(ids: ScopeIds, filter: EntryFilter): RawBuilder<SqlBool> {
  return allOf([...cheapConditions(ids, filter), ...textConditions(filter)]);
}

/** The same filter without the text, which is the only condition without an index. */
function fitsBesidesText(ids: ScopeIds, filter: EntryFilter): RawBuilder<SqlBool> {
  return allOf(cheapConditions(ids, filter));
}

function fitsText(filter: EntryFilter): RawBuilder<SqlBool> {
  return allOf([sql`1 = 1`, ...textConditions(filter)]);
}

function allOf(conditions: readonly RawBuilder<unknown>[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
}

function cheapConditions(
  { account, scope }: ScopeIds,
  { status, taskgroupId, sinceMs, untilMs }: EntryFilter,
): RawBuilder<unknown>[] {
  const conditions = [sql`entries.scope = ${scope}`];
  if (status === "active") conditions.push(sql`entries.is_active = 1`);
  else if (status?.length === 1) conditions.push(sql`entries.status = ${status[0]}`);
  else if (status !== undefined) {
    const list = JSON.stringify(status);
    conditions.push(sql`entries.status in (select value from json_each(${list}))`);
  }
  if (taskgroupId === null) conditions.push(sql`entries.taskgroup_id is null`);
  else if (taskgroupId !== undefined) {
    conditions.push(sql`entries.taskgroup_id = ${taskgroupId}`);
  }
  if (sinceMs !== undefined) {
    // The second condition is redundant, but lets SQLite stop the search at the first older entry.
    conditions.push(
      sql`entries.created_ms >= ${sinceMs}`,
      sql`entries.id >= (select min(recent.id) from entries as recent
        where recent.account = ${account} and recent.scope = ${scope}
          and recent.created_ms >= ${sinceMs})`,
    );
  }
  if (untilMs !== undefined) conditions.push(sql`entries.created_ms < ${untilMs}`);
  return conditions;
}

/** Every word must occur, wherever. */
function textConditions({ text }: EntryFilter): RawBuilder<unknown>[] {
  const words = text === undefined ? [] : foldQuestion(text).split(/\s+/);
  return words
    .filter((word) => word !== "")
    .map((word) => sql`instr(entries.question_folded, ${word}) > 0`);
}
