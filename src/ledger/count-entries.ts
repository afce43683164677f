import { type RawBuilder, type SqlBool, sql } from "kysely";
import { formatTime } from "./entry.ts";
import { fits, fitsBesidesText, fitsText } from "./entry-filter.ts";
import type { EntryCount, EntryFilter, LedgerGroupCounts } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";

/** Counting more would take longer than the list itself, and tell as little. */
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
