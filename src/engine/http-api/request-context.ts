import type { Tenant } from "../tenants/tenant.ts";
import type { BetaHeader } from "./beta-header.ts";
import type { Profile } from "./profile.ts";

/** The values that every handler finds in its request's context. */
export interface RequestEnv {
  Variables: {
    /** The tenant whose key was sent. */
    tenant: Tenant;
    /** Names this request in errors, in the log and in the `x-request-id` of its answer. */
    refId: string;
    /** The called path, with the names of its parameters instead of their values. */
    endpoint: string;
    /** How the engine presents itself. */
    profile: Profile;
    /** The beta features that this request may use. */
    betas: BetaHeader;
  };
}
