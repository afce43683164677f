/** An account of the engine, with one or more keys. It sees only its own runs and groups. */
export interface Tenant {
  id: string;
  /** The most that its runs may cost in total, in US dollars; null: no limit. */
  budgetUsd: number | null;
  /** How many runs it may create in a minute; null: no limit. */
  createsPerMinute: number | null;
}

/** The tenant of all runs when there is only one key, or none. */
export const DEFAULT_TENANT_ID = "default";
