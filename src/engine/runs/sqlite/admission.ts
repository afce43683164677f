import type { Transaction } from "kysely";
import type { DatabaseSchema, RunsTable } from "../../../database/schema.ts";
import { formatTimestamp } from "../../../runtime/clock.ts";
import { QUOTA_WINDOW_MS, checkBudget, checkQuota } from "../../tenants/admission.ts";
import type { Tenant } from "../../tenants/tenant.ts";
import type { Write } from "./commit.ts";

/**
 * Throws `BudgetExceeded` or `QuotaExceeded` for runs that the tenant may not create now. It counts in the transaction
 * that creates them, so simultaneous requests, in any process, cannot exceed a limit together.
 */
export async function admitRuns(
  { trx, nowMs }: Pick<Write, "trx" | "nowMs">,
  tenant: Tenant,
  pricesUsd: readonly number[],
): Promise<void> {
  if (tenant.createsPerMinute !== null) {
    const recent = await trx
      .selectFrom("runs")
      .select("created_at")
      .where("tenant_id", "=", tenant.id)
      .where("created_at", ">", formatTimestamp(nowMs - QUOTA_WINDOW_MS))
      .orderBy("created_at", "desc")
      .limit(tenant.createsPerMinute)
      .execute();
    checkQuota(tenant.createsPerMinute, {
      recentMs: recent.map((row) => Date.parse(row.created_at)),
      count: pricesUsd.length,
      nowMs,
    });
  }
  if (tenant.budgetUsd !== null) {
    const row = await trx
      .selectFrom("tenant_spending")
      .select("spent_usd")
      .where("tenant_id", "=", tenant.id)
      .executeTakeFirst();
    checkBudget(tenant.budgetUsd, { spentUsd: row?.spent_usd ?? 0, pricesUsd });
  }
}

/**
 * Counts runs against their tenants' budgets when they are accepted, and back out of them (`sign` -1) when they failed
 * or were cancelled, for only completed runs are billed. Runs in the transaction of the change itself.
 */
export async function countSpending(
  trx: Transaction<DatabaseSchema>,
  runs: readonly Pick<RunsTable, "tenant_id" | "price_usd">[],
  sign: 1 | -1,
): Promise<void> {
  const byTenant = new Map<string, number>();
  for (const { tenant_id: tenantId, price_usd: usd } of runs) {
    if (usd !== 0) byTenant.set(tenantId, (byTenant.get(tenantId) ?? 0) + sign * usd);
  }
  for (const [tenantId, usd] of byTenant) {
    await trx
      .insertInto("tenant_spending")
      .values({ tenant_id: tenantId, spent_usd: usd })
      .onConflict((conflict) =>
        conflict
          .column("tenant_id")
          .doUpdateSet(({ eb }) => ({ spent_usd: eb("tenant_spending.spent_usd", "+", usd) })),
      )
      .execute();
  }
}
