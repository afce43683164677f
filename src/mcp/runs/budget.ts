import type { CallContext } from "./call-context.ts";
import { CostRefused } from "./cost-errors.ts";
import { type PriceList, roundUsd } from "./price-list.ts";

/** The budgets for a UTC day. */
export type Budgets = Pick<CallContext, "budgetUsdPerDay" | "ownBudgetUsdPerDay">;

/** The cost of runs on these processors when all complete; null when a price is not known. */
export function costUsd(processors: readonly string[], prices: PriceList): number | null {
  let sum = 0;
  for (const processor of processors) {
    const price = prices.priceUsd(processor);
    if (price === undefined) return null;
    sum += price;
  }
  return roundUsd(sum);
}

/**
 * Throws `CostRefused` for runs that cost more than the caller allows, and for runs without a known price while there
 * is a limit. The ledger checks the operator's remaining budget in the transaction that reserves the runs.
 */
export function assertAffordable(
  processors: readonly string[],
  prices: PriceList,
  limits: Budgets & { maxCostUsd: number | undefined },
): void {
  const { maxCostUsd, budgetUsdPerDay, ownBudgetUsdPerDay } = limits;
  if ((maxCostUsd ?? budgetUsdPerDay ?? ownBudgetUsdPerDay) === undefined) return;
  const askedUsd = costUsd(processors, prices);
  if (askedUsd === null) {
    const processor = processors.find((name) => prices.priceUsd(name) === undefined) ?? "";
    throw new CostRefused({ kind: "unknown_price", processor });
  }
  if (maxCostUsd !== undefined && askedUsd > maxCostUsd) {
    throw new CostRefused({ kind: "over_max", askedUsd, maxUsd: maxCostUsd });
  }
}

/** "12 runs × $0.01 = $0.12." */
export function costText(processors: readonly string[], prices: PriceList): string {
  const total = costUsd(processors, prices);
  const caveat = prices.caveat === null ? "" : ` ${prices.caveat}`;
  if (total === null) {
    const names = [...new Set(processors)].join(", ");
    return `The price on ${names} is not known here; the backend may also refuse it.`;
  }
  const count = processors.length;
  if (total === 0) return count === 1 ? "Free." : `${count} runs, free.`;
  if (count === 1) return `It costs $${total} when it completes${caveat}.`;
  const byPrice = new Map<number, number>();
  for (const processor of processors) {
    const price = prices.priceUsd(processor) ?? 0;
    byPrice.set(price, (byPrice.get(price) ?? 0) + 1);
  }
  const parts = [...byPrice].map(([price, runs]) => `${runs} × $${price}`);
  const sum =
    byPrice.size === 1 ? `${count} runs × $${[...byPrice.keys()].join("")}` : parts.join(" + ");
  return `${sum} = $${total} when all complete${caveat}.`;
}

/** A budget of the day, and what of it is spent. */
export interface DayBudget {
  budgetUsd: number;
  spentUsd: number;
}

export function leftUsd({ budgetUsd, spentUsd }: DayBudget): number {
  return roundUsd(Math.max(0, budgetUsd - spentUsd));
}

export function budgetText(budget: DayBudget): string {
  return `$${leftUsd(budget)} of today's $${budget.budgetUsd} are left.`;
}
