import type { Transaction } from "kysely";
import type { DatabaseSchema, RunsTable } from "../../database/schema.ts";
import { formatTimestamp } from "../../runtime/clock.ts";
import type { Tenant } from "./tenant.ts";

/** The tenant's budget does not cover the runs; none was created. */
export class BudgetExceeded extends Error {
  override readonly name = "BudgetExceeded";
}

/** The tenant created too many runs within a minute; none was created now. */
export class QuotaExceeded extends Error {
  override readonly name = "QuotaExceeded";
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const MINUTE_MS = 60_000;

/**
 * Refuses runs that the tenant may not create now. Runs in the transaction that creates them, so that requests at the
 * same moment, in whichever process, cannot pass together. Throws {@link BudgetExceeded} and {@link QuotaExceeded}.
 */
export async function admitRuns(
  trx: Transaction<DatabaseSchema>,
  tenant: Tenant,
  pricesUsd: readonly number[],
  nowMs: number,
): Promise<void> {
  await checkQuota(trx, tenant, pricesUsd.length, nowMs);
  await checkBudget(trx, tenant, pricesUsd);
}

async function checkQuota(
  trx: Transaction<DatabaseSchema>,
  { id, createsPerMinute }: Tenant,
  count: number,
  nowMs: number,
): Promise<void> {
  if (createsPerMinute === null) return;
  const recent = await trx
    .selectFrom("runs")
    .select("created_at")
    .where("tenant_id", "=", id)
    .where("created_at", ">", formatTimestamp(nowMs - MINUTE_MS))
    .orderBy("created_at", "desc")
    .limit(createsPerMinute)
    .execute();
  if (recent.length + count <= createsPerMinute) return;
  // Once the run at this place is a minute old, there is room for all that are asked for now.
  const blocking = recent.at(createsPerMinute - count) ?? recent.at(0);
  const freeAtMs = blocking ? Date.parse(blocking.created_at) + MINUTE_MS : nowMs + MINUTE_MS;
  throw new QuotaExceeded(
    `Too many requests: quota temporarily exceeded (${createsPerMinute} runs a minute; ${recent.length} were created in the last one, ${count} more were asked for)`,
    Math.max(1, Math.ceil((freeAtMs - nowMs) / 1_000)),
  );
}

async function checkBudget(
  trx: Transaction<DatabaseSchema>,
  { id, budgetUsd }: Tenant,
  pricesUsd: readonly number[],
): Promise<void> {
  if (budgetUsd === null) return;
  const row = await trx
    .selectFrom("tenant_spending")
    .select("spent_usd")
    .where("tenant_id", "=", id)
    .executeTakeFirst();
  const spent = row?.spent_usd ?? 0;
  const asked = pricesUsd.reduce((sum, price) => sum + price, 0);
  if (spent + asked > budgetUsd + ROUNDING_USD) {
    throw new BudgetExceeded(
      `Payment required: insufficient credit in account (budget $${budgetUsd}, spent or reserved $${round(spent)}, this request $${round(asked)})`,
    );
  }
}

/** Sums of prices such as 0.005 are not exact, and a million of them were added one by one. */
const ROUNDING_USD = 1e-6;

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

function round(usd: number): number {
  return Number(usd.toFixed(4));
}
