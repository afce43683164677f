import { isDeepStrictEqual } from "node:util";
import type { ClientSpec } from "./clients.ts";
import { ConfigSyntaxError } from "./config-syntax.ts";
import { readJson, removeJsonProperty, setJsonValue, writeJson } from "./edit-json.ts";
import { readToml, removeTomlTable, setTomlTable, writeTable } from "./edit-toml.ts";
import { ClientConfigUnusable } from "./errors.ts";
import { type ConfigObject, isConfigObject, mergeEntry } from "./merge-entry.ts";
import type { ServerEntry } from "./server-entry.ts";

type Place = Pick<ClientSpec, "format" | "container">;

/** The entries of a client's file by name. Throws {@link ClientConfigUnusable} with the place that cannot be read. */
export function readServers(text: string, { format, container }: Place, file: string) {
  const config = readConfigText(text, format, file);
  const servers = config[container] ?? {};
  if (!isConfigObject(servers)) {
    throw new ClientConfigUnusable(
      `${file}: "${container}" is not an object, so there is no place for a server. Correct it first; nothing was changed.`,
    );
  }
  return { config, servers };
}

/** The text with the entry in it; the same text when it is there already. Throws {@link ClientConfigUnusable}. */
export function setEntry(
  text: string,
  place: Place,
  { name, entry, file }: { name: string; entry: ServerEntry; file: string },
): string {
  const { config, servers } = readServers(text, place, file);
  const existing = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const wanted = mergeEntry(existing, entry);
  if (isDeepStrictEqual(existing, wanted)) return text;
  const edited =
    place.format === "toml"
      ? setTomlTable(text, [place.container, name], wanted)
      : setJsonEntry(text, [place.container, name], existing, wanted);
  const servers_ = { ...servers, [name]: wanted };
  return checked(edited, { ...config, [place.container]: servers_ }, place, file);
}

/** The text without the entry; the same text when there is none. Throws {@link ClientConfigUnusable}. */
export function removeEntry(
  text: string,
  place: Place,
  { name, file }: { name: string; file: string },
): string {
  const { config, servers } = readServers(text, place, file);
  if (!Object.hasOwn(servers, name)) return text;
  const edited =
    place.format === "toml"
      ? removeTomlTable(text, [place.container, name])
      : removeJsonProperty(text, [place.container, name]);
  const { [name]: _removed, ...others } = servers;
  return checked(edited, { ...config, [place.container]: others }, place, file);
}

/** The entry alone, to be copied by hand. */
export function writeBlock({ format, container }: Place, name: string, entry: ServerEntry): string {
  const block = { [container]: { [name]: entry } };
  return format === "toml" ? writeTable(block) : `${writeJson(block)}\n`;
}

/** What differs is written and nothing else, so that comments inside an entry stay too. */
function setJsonEntry(
  text: string,
  path: [string, string],
  existing: unknown,
  wanted: ConfigObject,
): string {
  if (!isConfigObject(existing)) return setJsonValue(text, path, wanted);
  let edited = text;
  for (const [field, value] of Object.entries(wanted)) {
    const known = existing[field];
    if (isDeepStrictEqual(known, value)) continue;
    if (!isConfigObject(known) || !isConfigObject(value)) {
      edited = setJsonValue(edited, [...path, field], value);
      continue;
    }
    for (const [inner, innerValue] of Object.entries(value)) {
      if (isDeepStrictEqual(known[inner], innerValue)) continue;
      edited = setJsonValue(edited, [...path, field, inner], innerValue);
    }
  }
  return edited;
}

/** An edit counts only when the file then says what it said before, and the entry. */
function checked(edited: string, expected: ConfigObject, place: Place, file: string): string {
  let actual: unknown;
  try {
    actual = readConfigText(edited, place.format, file);
  } catch (error) {
    throw notUnderstood(file, { cause: error });
  }
  // A container that became empty may be gone.
  const { container } = place;
  const seen = isConfigObject(actual) ? { [container]: {}, ...actual } : actual;
  if (isDeepStrictEqual(seen, { [container]: {}, ...expected })) return edited;
  throw notUnderstood(file);
}

function notUnderstood(file: string, options?: ErrorOptions): ClientConfigUnusable {
  return new ClientConfigUnusable(
    `${file} is written in a way that cannot be changed without risk; nothing was changed. Add what --print prints by hand.`,
    options,
  );
}

function readConfigText(text: string, format: Place["format"], file: string): ConfigObject {
  let value: unknown;
  try {
    value = format === "toml" ? readToml(text) : readJson(text);
  } catch (error) {
    if (!(error instanceof ConfigSyntaxError)) throw error;
    const { line, column } = error.position;
    throw new ClientConfigUnusable(
      `${file}:${line}:${column}: cannot be read (${error.message}). Correct it first; nothing was changed.`,
      { cause: error },
    );
  }
  if (isConfigObject(value)) return value;
  throw new ClientConfigUnusable(
    `${file}: holds no object, so there is no place for a server. Correct it first; nothing was changed.`,
  );
}
