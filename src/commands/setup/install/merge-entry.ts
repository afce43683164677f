/** An object in a configuration file. */
export type ConfigObject = Record<string, unknown>;

export function isConfigObject(value: unknown): value is ConfigObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The keys that clients have for the URL of a running server. */
const URL_FIELDS = ["url", "serverUrl", "httpUrl", "uri"];
/** The keys that say how a server is started or reached. */
const TRANSPORT_FIELDS: ReadonlySet<string> = new Set([
  ...URL_FIELDS,
  "type",
  "transport",
  "headers",
  "http_headers",
  "bearer_token_env_var",
  "command",
  "cmd",
  "args",
  "env",
  "envs",
  "environment",
]);

/** The URL in the entry of a running server. */
export function urlOf(entry: ConfigObject): string | undefined {
  return URL_FIELDS.map((field) => entry[field]).find((value) => typeof value === "string");
}

/**
 * Merges the entry of `install` into an existing one. Replaces how the server is started or reached; keeps variables,
 * headers and options that the user has added.
 */
export function mergeEntry(
  existing: unknown,
  entry: ConfigObject,
  defaults: ConfigObject = {},
): ConfigObject {
  if (!isConfigObject(existing)) return { ...entry, ...defaults };
  const isSameWay = (urlOf(existing) === undefined) === (urlOf(entry) === undefined);
  const kept = Object.entries(existing).filter(
    ([field]) => isSameWay || !TRANSPORT_FIELDS.has(field),
  );
  const merged: ConfigObject = { ...defaults, ...Object.fromEntries(kept) };
  for (const [field, value] of Object.entries(entry)) {
    const known = merged[field];
    merged[field] = isConfigObject(known) && isConfigObject(value) ? { ...known, ...value } : value;
  }
  return merged;
}
