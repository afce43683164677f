import { z } from "zod";
import {
  type HashedKey,
  KeyHash,
  KeyOwnerId,
  createKeyFinder,
  hashKey,
  readHashedKeys,
} from "../../http-server/hashed-keys.ts";
import { DEFAULT_TENANT_ID, type Tenant } from "./tenant.ts";

/** The tenants of an engine, found by the key that a caller sends. */
export interface Tenants {
  /** The tenant of a key, or undefined for a wrong or a missing one. */
  find(apiKey: string | undefined): Tenant | undefined;
}

const TenantsFile = z.strictObject({
  tenants: z
    .array(
      z.strictObject({
        id: KeyOwnerId,
        key_hashes: z.array(KeyHash).min(1, "a tenant needs a key"),
        budget_usd: z.number().min(0).nullable().default(null),
        creates_per_minute: z.number().int().min(1).nullable().default(null),
      }),
    )
    .min(1, "write at least one tenant"),
});

/** One tenant with all rights: behind `apiKey`, or, without one, for every caller. */
export function singleTenant(apiKey: string | undefined): Tenants {
  const owner: Tenant = { id: DEFAULT_TENANT_ID, budgetUsd: null, createsPerMinute: null };
  if (apiKey === undefined) return { find: () => owner };
  return createTenants([{ owner, keyHash: hashKey(apiKey) }]);
}

/** Reads a tenants file (YAML or JSON). Throws `UsageError` with every problem. */
export async function readTenants(path: string): Promise<Tenants> {
  const { tenants } = await readHashedKeys(path, { name: "tenants file", schema: TenantsFile });
  return createTenants(
    tenants.flatMap(({ id, key_hashes, budget_usd, creates_per_minute }) => {
      const owner = { id, budgetUsd: budget_usd, createsPerMinute: creates_per_minute };
      return key_hashes.map((keyHash) => ({ owner, keyHash }));
    }),
  );
}

function createTenants(keys: readonly HashedKey<Tenant>[]): Tenants {
  const find = createKeyFinder(keys);
  return { find: (apiKey) => (apiKey === undefined ? undefined : find(apiKey)) };
}
