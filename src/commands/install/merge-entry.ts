import type { ServerEntry } from "./server-entry.ts";

/** What a configuration file holds. */
export type ConfigObject = Record<string, unknown>;

export function isConfigObject(value: unknown): value is ConfigObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The entry that is there with what `install` writes: how the server is started is replaced; variables and options that
 * somebody else has set stay.
 */
export function mergeEntry(existing: unknown, entry: ServerEntry): ConfigObject {
  if (!isConfigObject(existing)) return { ...entry };
  const { env } = existing;
  const known = isConfigObject(env) ? env : {};
  return {
    ...existing,
    ...entry,
    ...((entry.env !== undefined || isConfigObject(env)) && { env: { ...known, ...entry.env } }),
  };
}
