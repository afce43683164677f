import { isDeepStrictEqual } from "node:util";
import { type Document, YAMLParseError, parseDocument, stringify } from "yaml";
import type { ClientSpec } from "./clients.ts";
import { readJson, removeJsonProperty, setJsonValue, writeJson } from "./edit-json.ts";
import { readToml, removeTomlTable, setTomlTable, writeTable } from "./edit-toml.ts";
import { ClientConfigUnusable, ConfigSyntaxError, positionAt } from "./config-errors.ts";
import { type ConfigObject, isConfigObject, mergeEntry } from "./merge-entry.ts";

type Place = Pick<ClientSpec, "format" | "container" | "innerContainer" | "defaults">;

/** The entries of a client's file by name. Throws {@link ClientConfigUnusable} with the place that cannot be read. */
export function readServers(text: string, place: Place, file: string) {
  const { container, innerContainer } = place;
  const config = readConfigText(text, place.format, file);
  const outer = config[container] ?? {};
  if (!isConfigObject(outer)) {
    throw new ClientConfigUnusable(
      `${file}: "${container}" is not an object, so there is no place for a server. Correct it first; nothing was changed.`,
    );
  }
  const inner = innerContainer === undefined ? undefined : outer[innerContainer];
  // A server of that name has a type.
  if (innerContainer === undefined || !isConfigObject(inner) || typeof inner["type"] === "string") {
    return { config, servers: outer, path: [container] };
  }
  return { config, servers: inner, path: [container, innerContainer] };
}

/** The text with the entry in it; the same text when it is there already. Throws {@link ClientConfigUnusable}. */
export function setEntry(
  text: string,
  place: Place,
  { name, entry, file }: { name: string; entry: ConfigObject; file: string },
): string {
  const { config, servers, path } = readServers(text, place, file);
  const existing = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const wanted = mergeEntry(existing, entry, place.defaults);
  if (isDeepStrictEqual(existing, wanted)) return text;
  const at = [...path, name];
  const edited =
    place.format === "toml"
      ? setTomlTable(text, [place.container, name], wanted)
      : setFields(text, EDITORS[place.format], { at, existing, wanted });
  return checked(edited, withServers(config, path, { ...servers, [name]: wanted }), place, file);
}

/** The text without the entry; the same text when there is none. Throws {@link ClientConfigUnusable}. */
export function removeEntry(
  text: string,
  place: Place,
  { name, file }: { name: string; file: string },
): string {
  const { config, servers, path } = readServers(text, place, file);
  if (!Object.hasOwn(servers, name)) return text;
  const edited =
    place.format === "toml"
      ? removeTomlTable(text, [place.container, name])
      : EDITORS[place.format].remove(text, [...path, name]);
  const { [name]: _removed, ...others } = servers;
  return checked(edited, withServers(config, path, others), place, file);
}

/** The entry alone, to be copied by hand. */
export function writeBlock(
  { format, container, defaults }: Place,
  name: string,
  entry: ConfigObject,
): string {
  const block = { [container]: { [name]: { ...entry, ...defaults } } };
  switch (format) {
    case "toml":
      return writeTable(block);
    case "yaml":
      return writeYaml(block);
    case "json":
      return `${writeJson(block)}\n`;
  }
}

interface Editor {
  set(text: string, path: readonly string[], value: unknown): string;
  remove(text: string, path: readonly string[]): string;
}

const EDITORS: Record<"json" | "yaml", Editor> = {
  json: { set: setJsonValue, remove: removeJsonProperty },
  yaml: { set: setYamlValue, remove: removeYamlValue },
};

/** What differs is written and nothing else, so that comments inside an entry stay too. */
function setFields(
  text: string,
  editor: Editor,
  { at, existing, wanted }: { at: readonly string[]; existing: unknown; wanted: unknown },
): string {
  if (isDeepStrictEqual(existing, wanted)) return text;
  if (wanted === undefined) return editor.remove(text, at);
  if (!isConfigObject(existing) || !isConfigObject(wanted)) return editor.set(text, at, wanted);
  const fields = new Set([...Object.keys(wanted), ...Object.keys(existing)]);
  return [...fields].reduce(
    (edited, field) =>
      setFields(edited, editor, {
        at: [...at, field],
        existing: existing[field],
        wanted: wanted[field],
      }),
    text,
  );
}

function withServers(
  config: ConfigObject,
  [first = "", ...rest]: readonly string[],
  servers: ConfigObject,
): ConfigObject {
  const inner = config[first];
  const value =
    rest.length === 0 ? servers : withServers(isConfigObject(inner) ? inner : {}, rest, servers);
  return { ...config, [first]: value };
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

const READERS = { json: readJson, toml: readToml, yaml: readYaml } as const;

function readConfigText(text: string, format: Place["format"], file: string): ConfigObject {
  let value: unknown;
  try {
    value = READERS[format](text);
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

/** The value of a YAML text; an empty one is an empty object. Throws {@link ConfigSyntaxError}. */
function readYaml(text: string): unknown {
  const value: unknown = parseYaml(text).toJS();
  return value ?? {};
}

/** The text with a value at a path; comments and the order of everything else stay. */
function setYamlValue(text: string, path: readonly string[], value: unknown): string {
  const document = parseYaml(text);
  document.setIn(path, document.createNode(value));
  return writeDocument(document, text);
}

/** The text without what is at a path. */
function removeYamlValue(text: string, path: readonly string[]): string {
  const document = parseYaml(text);
  document.deleteIn(path);
  return writeDocument(document, text);
}

/** Long lines stay as they are. */
const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

function writeYaml(value: unknown): string {
  return stringify(value, STYLE);
}

function parseYaml(text: string): Document {
  // Numbers and dates keep their spelling.
  const document = parseDocument(text, { keepSourceTokens: true });
  const [first] = document.errors;
  if (first === undefined) return document;
  throw new ConfigSyntaxError(
    first instanceof YAMLParseError ? (first.message.split(" at line ")[0] ?? "") : String(first),
    positionAt(text, first.pos[0]),
    { cause: first },
  );
}

function writeDocument(document: Document, before: string): string {
  // The library indents lists in maps; many files do not.
  const indentSeq = !/^(\s*)[^\s#-][^\n]*:\s*\n\1- /m.test(before);
  const text = document.toString({ ...STYLE, indentSeq });
  return before.includes("\r\n") ? text.replaceAll(/\r?\n/g, "\r\n") : text;
}
