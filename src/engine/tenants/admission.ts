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

/** The time in which a tenant's creates are counted. */
export const QUOTA_WINDOW_MS = 60_000;

/**
 * Throws {@link QuotaExceeded} when `count` more runs are too many for a minute. `recentMs`: when the tenant's newest
 * runs of the last minute were created, newest first, as many as the quota at most.
 */
export function checkQuota(
  createsPerMinute: number,
  { recentMs, count, nowMs }: { recentMs: readonly number[]; count: number; nowMs: number },
): void {
  if (recentMs.length + count <= createsPerMinute) return;
  // Once the run at this index is a minute old, there is room for all new ones.
  const blockingMs = recentMs.at(createsPerMinute - count) ?? recentMs.at(0) ?? nowMs;
  throw new QuotaExceeded(
    `Too many requests: quota temporarily exceeded (${createsPerMinute} runs a minute; ${recentMs.length} were created in the last one, ${count} more were asked for)`,
    Math.max(1, Math.ceil((blockingMs + QUOTA_WINDOW_MS - nowMs) / 1_000)),
  );
}

/** Sums of prices such as 0.005 are not exact, and a million of them were added one by one. */
const ROUNDING_USD = 1e-6;

/** Throws {@link BudgetExceeded} when the tenant's budget does not cover runs at these prices. */
export function checkBudget(
  budgetUsd: number,
  { spentUsd, pricesUsd }: { spentUsd: number; pricesUsd: readonly number[] },
): void {
  const asked = pricesUsd.reduce((sum, price) => sum + price, 0);
  if (spentUsd + asked <= budgetUsd + ROUNDING_USD) return;
  throw new BudgetExceeded(
    `Payment required: insufficient credit in account (budget $${budgetUsd}, spent or reserved $${round(spentUsd)}, this request $${round(asked)})`,
  );
}

function round(usd: number): number {
  return Number(usd.toFixed(4));
}
