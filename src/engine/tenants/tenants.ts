import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DEFAULT_TENANT_ID, type Tenant } from "./tenant.ts";
import { UsageError } from "../../runtime/usage-error.ts";

/** The tenants of an engine, found by the key that a caller sends. */
export interface Tenants {
  /** The tenant of a key, or undefined for a wrong or a missing one. */
  find(apiKey: string | undefined): Tenant | undefined;
}

/** The tenants file cannot be used; the message says what to write. */
export class TenantsFileUnusable extends UsageError {
  override readonly name = "TenantsFileUnusable";
}

const HASH_PREFIX = "sha256:";

const TenantsFile = z.strictObject({
  tenants: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "use 1 to 64 letters, digits, _ or -"),
        key_hashes: z
          .array(
            z.string().regex(/^sha256:[0-9a-f]{64}$/, "write what `task-run-mcp hash-key` prints"),
          )
          .min(1, "a tenant needs a key"),
        budget_usd: z.number().min(0).nullable().default(null),
        creates_per_minute: z.number().int().min(1).nullable().default(null),
      }),
    )
    .min(1, "write at least one tenant"),
});

/** The hash of a key, as the tenants file holds it. Keys are long and random, so one round is enough. */
export function hashKey(apiKey: string): string {
  return HASH_PREFIX + createHash("sha256").update(apiKey).digest("hex");
}

/** One tenant with all rights: behind `apiKey`, or for every caller without one. */
export function singleTenant(apiKey: string | undefined): Tenants {
  const tenant: Tenant = { id: DEFAULT_TENANT_ID, budgetUsd: null, createsPerMinute: null };
  if (apiKey === undefined) return { find: () => tenant };
  return createTenants([{ tenant, keyHash: hashKey(apiKey) }]);
}

/** Reads a tenants file (YAML or JSON). Throws {@link TenantsFileUnusable} with every problem. */
export async function readTenants(path: string): Promise<Tenants> {
  // Loaded for those who have such a file.
  // By its default: a bundle knows no other name of a CommonJS package that loads late.
  const { parse: parseYaml } = (await import("yaml")).default;
  let content: unknown;
  try {
    content = parseYaml(await readFile(path, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TenantsFileUnusable(`The tenants file ${path} cannot be read: ${reason}`, {
      cause: error,
    });
  }
  const parsed = TenantsFile.safeParse(content);
  if (!parsed.success) {
    throw new TenantsFileUnusable(`The tenants file ${path}:\n${z.prettifyError(parsed.error)}`);
  }
  return createTenants(
    parsed.data.tenants.flatMap(({ id, key_hashes, budget_usd, creates_per_minute }) => {
      const tenant = { id, budgetUsd: budget_usd, createsPerMinute: creates_per_minute };
      return key_hashes.map((keyHash) => ({ tenant, keyHash }));
    }),
  );
}

function createTenants(keys: { tenant: Tenant; keyHash: string }[]): Tenants {
  const known = keys.map(({ tenant, keyHash }) => ({ tenant, hash: Buffer.from(keyHash) }));
  return {
    find(apiKey) {
      if (apiKey === undefined) return undefined;
      const given = Buffer.from(hashKey(apiKey));
      return known.find(({ hash }) => timingSafeEqual(hash, given))?.tenant;
    },
  };
}
