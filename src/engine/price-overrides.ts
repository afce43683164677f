import { findProcessor } from "../task-api/processors.ts";
import type { Tenant } from "./tenants/tenant.ts";

/** What a run on the processor costs the tenant if it completes, in US dollars. */
export type PriceOf = (processor: string, tenant: Tenant) => number;

/**
 * What the engine announces, and counts against budgets. Without prices of the operator its runs are free, except for a
 * tenant with a budget: there Parallel's list counts, as it does for processors that the operator's prices leave out.
 */
export function createProcessorPrices(prices?: Readonly<Record<string, number>>): PriceOf {
  const own = new Map(Object.entries(prices ?? {}));
  return (processor, { budgetUsd }) => {
    if (prices === undefined && budgetUsd === null) return 0;
    return own.get(processor) ?? findProcessor(processor)?.priceUsd ?? 0;
  };
}
