import { CostRefused } from "./refusals.ts";
import { type PriceList, roundUsd } from "./price-list.ts";
import type { ToolContext } from "./tool.ts";

/** What may be spent in a UTC day. */
export type Budgets = Pick<ToolContext, "budgetUsdPerDay" | "ownBudgetUsdPerDay">;

/** What runs on these processors cost when all of them complete; null when a price is not known. */
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
 * Refuses what costs more than the caller allows, and what has no price while there is a limit. The operator's budget
 * is held against what is spent already, where runs are written down. Throws `CostRefused`.
 */
export function checkCost(
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
