import { findProcessor } from "../task-api/processors.ts";
import type { Tenant } from "./tenants/tenant.ts";

/** The price for the tenant of a completed run on the processor, in US dollars. */
export type PriceOf = (processor: string, tenant: Tenant) => number;

/**
 * The prices that the engine announces and counts against budgets. Without prices of the operator runs are free, except
 * for a tenant with a budget: Parallel's prices then apply, as they do for processors without a price of the operator.
 */
export function createProcessorPrices(prices?: Readonly<Record<string, number>>): PriceOf {
  const own = new Map(Object.entries(prices ?? {}));
  return (processor, { budgetUsd }) => {
    if (prices === undefined && budgetUsd === null) return 0;
    return own.get(processor) ?? findProcessor(processor)?.priceUsd ?? 0;
  };
}
