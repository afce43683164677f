import type { Tenant } from "../tenants/tenant.ts";

/** What every handler finds in its request's context. */
export interface RequestEnv {
  Variables: {
    /** Who calls. */
    tenant: Tenant;
    /** Names this request in errors and in the log. */
    refId: string;
  };
}
