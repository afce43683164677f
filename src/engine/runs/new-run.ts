import type { RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import type { Tenant } from "../tenants/tenant.ts";
import type { KeepAnswer } from "./kept-answers.ts";

/** A run to accept. */
export interface NewRun {
  input: RunInput;
  tenantId: string;
  taskgroupId: string | null;
  /** What it costs its tenant if it completes, in US dollars; by default what Parallel's list says. */
  priceUsd?: number;
  /** Which workers may perform it. */
  executorKey: string;
  /** What was found questionable about the input. */
  warnings: RunWarning[];
}

export interface AcceptOptions<Accepted> {
  /** Whose limits the runs must keep within; without it there are none. */
  tenant?: Tenant;
  keep?: KeepAnswer<Accepted>;
}
