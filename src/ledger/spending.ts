import { sql } from "kysely";
import type { Spending } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";

/** The statuses of runs that are not billed. Source: Task API, "Pricing". */
export const UNBILLED: readonly string[] = ["failed", "cancelled"];

export async function readSpending(
  db: LedgerDatabase,
  { account, scope }: ScopeIds,
  nowMs: number,
): Promise<Spending> {
  // Active entries are few, so they are summed here; all others are in the stored total.
  const active = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.sum<number | null>("price_micros").as("micros"))
    .where("scope", "=", scope)
    .where("is_active", "=", sql.lit(1))
    .executeTakeFirst();
  // A query of its own, because each condition has an index of its own.
  const waiting = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.sum<number | null>("price_micros").as("micros"))
    .where("scope", "=", scope)
    .where("status", "=", "action_required")
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
  return {
    todayUsd: toUsd(await spentTodayMicros(db, { account, scope }, nowMs)),
    totalUsd: toUsd((kept?.micros ?? 0) + (removed?.micros ?? 0)),
    activeUsd: toUsd((active?.micros ?? 0) + (waiting?.micros ?? 0)),
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

/** Money is counted in whole millionths of a dollar: sums are exact, so that the last cent of a budget can be spent. */
const MICROS_PER_USD = 1_000_000;

export function toMicros(usd: number): number {
  return Math.round(usd * MICROS_PER_USD);
}

export function toUsd(micros: number): number {
  return micros / MICROS_PER_USD;
}

export const DAY_MS = 24 * 60 * 60 * 1_000;

/** When the UTC day of a moment began, in epoch milliseconds. */
export function startOfUtcDay(epochMs: number): number {
  return epochMs - (epochMs % DAY_MS);
}
