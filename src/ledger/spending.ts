import { sql } from "kysely";
import { type Spending, UNKNOWN } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";
import { toUsd } from "./usd.ts";
import { startOfUtcDay } from "./utc-day.ts";

/** The statuses of runs that are not billed. Source: Task API, "Pricing". */
export const UNBILLED: readonly string[] = ["failed", "cancelled"];

export async function readSpending(
  db: LedgerDatabase,
  { account, scope }: ScopeIds,
  nowMs: number,
): Promise<Spending> {
  // Those that have not ended are few; all others are in the kept total.
  const rows = await db
    .selectFrom("entries")
    .select(["status", ({ fn }) => fn.sum<number | null>("price_micros").as("micros")])
    .where("scope", "=", scope)
    .where("status", "in", [UNKNOWN, "action_required"])
    .groupBy("status")
    .execute();
  const active = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.sum<number | null>("price_micros").as("micros"))
    .where("scope", "=", scope)
    .where("is_active", "=", sql.lit(1))
    .executeTakeFirst();
  const removed = await db
    .selectFrom("removed_spending")
    .select("micros")
    .where("scope", "=", scope)
    .executeTakeFirst();
  const kept = await db
    .selectFrom("spending_totals")
    .select("micros")
    .where("scope", "=", scope)
    .executeTakeFirst();
  const spent = new Map(rows.map(({ status, micros }) => [status, micros ?? 0]));
  return {
    todayUsd: toUsd(await spentTodayMicros(db, { account, scope }, nowMs)),
    totalUsd: toUsd((kept?.micros ?? 0) + (removed?.micros ?? 0)),
    activeUsd: toUsd((active?.micros ?? 0) + (spent.get("action_required") ?? 0)),
    unknownUsd: toUsd(spent.get(UNKNOWN) ?? 0),
  };
}

/** Spent since 00:00 UTC by one scope, or by a whole account. */
export async function spentTodayMicros(
  db: LedgerDatabase,
  { account, scope }: { account: string; scope?: string },
  nowMs: number,
): Promise<number> {
  const row = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.sum<number | null>("price_micros").as("micros"))
    .where("account", "=", account)
    .where("created_ms", ">=", startOfUtcDay(nowMs))
    .where("status", "not in", UNBILLED)
    .$if(scope !== undefined, (query) => query.where("scope", "=", scope ?? ""))
    .executeTakeFirst();
  return row?.micros ?? 0;
}
