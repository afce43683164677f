import { type RawBuilder, type SqlBool, sql } from "kysely";
import { foldText } from "./fold-text.ts";
import type { EntryFilter } from "./ledger.ts";
import type { ScopeIds } from "./scope.ts";

/** The entries of a scope that a filter means, as a condition on `entries`. */
export function fits(ids: ScopeIds, filter: EntryFilter): RawBuilder<SqlBool> {
  return allOf([...cheapConditions(ids, filter), ...textConditions(filter)]);
}

/** The same without the text, which is the one part that is compared and not looked up. */
export function fitsBesidesText(ids: ScopeIds, filter: EntryFilter): RawBuilder<SqlBool> {
  return allOf(cheapConditions(ids, filter));
}

export function fitsText(filter: EntryFilter): RawBuilder<SqlBool> {
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
    // The second says nothing new, but ends the search where all others are older.
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
  const words = text === undefined ? [] : foldText(text).split(/\s+/);
  return words
    .filter((word) => word !== "")
    .map((word) => sql`instr(entries.question_folded, ${word}) > 0`);
}
