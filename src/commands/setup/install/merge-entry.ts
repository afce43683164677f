/** What a configuration file holds. */
export type ConfigObject = Record<string, unknown>;

export function isConfigObject(value: unknown): value is ConfigObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How clients say where a server is that runs already. */
const URL_FIELDS = ["url", "serverUrl", "httpUrl", "uri"];
/** What says how a server is started or reached; one way takes the place of the other. */
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

/** The URL of an entry for a server that runs already. */
export function urlOf(entry: ConfigObject): string | undefined {
  return URL_FIELDS.map((field) => entry[field]).find((value) => typeof value === "string");
}

/**
 * The entry that is there with what `install` writes: how the server is started or reached is replaced; variables,
 * headers and options that somebody else has set stay.
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
