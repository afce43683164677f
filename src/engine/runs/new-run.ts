import type { RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import type { Tenant } from "../tenants/tenant.ts";
import type { KeepAnswer } from "./kept-answers.ts";

/** A run to accept. */
export interface NewRun {
  input: RunInput;
  tenantId: string;
  taskgroupId: string | null;
  /** The price for the tenant if the run completes, in US dollars; by default the price in Parallel's list. */
  priceUsd?: number;
  /** Which workers may perform it. */
  executorKey: string;
  /** Warnings about the input. */
  warnings: RunWarning[];
}

export interface AcceptOptions<Accepted> {
  /** The tenant whose limits apply; without one there are no limits. */
  tenant?: Tenant;
  keep?: KeepAnswer<Accepted>;
}
