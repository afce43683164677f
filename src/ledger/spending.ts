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
  const rows = await db
    .selectFrom("entries")
    .select(["status", "is_active", ({ fn }) => fn.sum<number | null>("price_micros").as("micros")])
    .where("scope", "=", scope)
    .where("status", "not in", UNBILLED)
    .groupBy(["status", "is_active"])
    .execute();
  const removed = await db
    .selectFrom("removed_spending")
    .select("micros")
    .where("scope", "=", scope)
    .executeTakeFirst();
  const sum = (counts: (row: { status: string; is_active: number }) => boolean) =>
    rows.reduce((total, row) => total + (counts(row) ? (row.micros ?? 0) : 0), 0);
  return {
    todayUsd: toUsd(await spentTodayMicros(db, { account, scope }, nowMs)),
    totalUsd: toUsd(sum(() => true) + (removed?.micros ?? 0)),
    activeUsd: toUsd(
      sum(({ status, is_active }) => is_active === 1 || status === "action_required"),
    ),
    unknownUsd: toUsd(sum(({ status }) => status === UNKNOWN)),
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
