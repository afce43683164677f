import { hash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UsageError } from "../runtime/usage-error.ts";
import { errorMessage } from "../text/error-message.ts";

const PREFIX = "sha256:";

/** A key as a file holds it: what `task-run-mcp hash-key` prints. */
export const KeyHash = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "write what `task-run-mcp hash-key` prints");

/** The id of a principal or a tenant in such a file. */
export const KeyOwnerId = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, "use 1 to 64 letters, digits, _ or -");

/** The hash of a key, as files hold it. Keys are long and random, so one round is enough. */
export function hashKey(key: string): string {
  return PREFIX + hash("sha256", key);
}

export interface HashedKey<Owner> {
  keyHash: string;
  owner: Owner;
}

/** Finds the owner of a key. It always compares every hash, so that the time it takes does not reveal a near match. */
export function createKeyFinder<Owner>(
  keys: readonly HashedKey<Owner>[],
): (key: string) => Owner | undefined {
  const known = keys.map(({ keyHash, owner }) => ({ digest: Buffer.from(keyHash), owner }));
  return (key) => {
    const given = Buffer.from(hashKey(key));
    let found: Owner | undefined;
    for (const { digest, owner } of known) {
      if (digest.length === given.length && timingSafeEqual(digest, given)) found ??= owner;
    }
    return found;
  };
}

/** Reads a file of hashed keys, in YAML or JSON. Throws {@link UsageError} with every problem. */
export async function readHashedKeys<File>(
  path: string,
  { name, schema }: { name: string; schema: z.ZodType<File> },
): Promise<File> {
  // Loaded only when there is such a file. The module is read through its default export: a bundle knows no other name
  // of a CommonJS package that loads late.
  const { parse } = (await import("yaml")).default;
  let content: unknown;
  try {
    content = parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(`The ${name} ${path} cannot be read: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  const parsed = schema.safeParse(content);
  if (!parsed.success) {
    throw new UsageError(`The ${name} ${path}:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
