import { isDeepStrictEqual } from "node:util";
import { type Document, YAMLParseError, parseDocument, stringify } from "yaml";
import type { ClientSpec } from "./clients.ts";
import { readJson, removeJsonProperty, setJsonValue, writeJson } from "./edit-json.ts";
import { readToml, removeTomlTable, setTomlTable, writeTable } from "./edit-toml.ts";
import { ClientConfigUnusable, ConfigSyntaxError, positionAt } from "./config-errors.ts";
import { type ConfigObject, isConfigObject, mergeEntry } from "./merge-entry.ts";

type ConfigShape = Pick<ClientSpec, "format" | "container" | "innerContainer" | "defaults">;

/** The servers in a client's file by name. Throws {@link ClientConfigUnusable} with the position of a syntax error. */
export function readServers(text: string, shape: ConfigShape, file: string) {
  const { container, innerContainer } = shape;
  const config = readConfigText(text, shape.format, file);
  const outer = config[container] ?? {};
  if (!isConfigObject(outer)) {
    throw new ClientConfigUnusable(
      `${file}: "${container}" is not an object, so a server cannot be added. Correct it first; nothing was changed.`,
    );
  }
  const inner = innerContainer === undefined ? undefined : outer[innerContainer];
  // An object with a type is a server of that name.
  if (innerContainer === undefined || !isConfigObject(inner) || typeof inner["type"] === "string") {
    return { config, servers: outer, path: [container] };
  }
  return { config, servers: inner, path: [container, innerContainer] };
}

/** Adds the entry; returns the same text when it has the entry already. Throws {@link ClientConfigUnusable}. */
export function setEntry(
  text: string,
  shape: ConfigShape,
  { name, entry, file }: { name: string; entry: ConfigObject; file: string },
): string {
  const { config, servers, path } = readServers(text, shape, file);
  const existing = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const wanted = mergeEntry(existing, entry, shape.defaults);
  if (isDeepStrictEqual(existing, wanted)) return text;
  const at = [...path, name];
  const edited =
    shape.format === "toml"
      ? setTomlTable(text, [shape.container, name], wanted)
      : setFields(text, EDITORS[shape.format], { at, existing, wanted });
  return checked(edited, withServers(config, path, { ...servers, [name]: wanted }), shape, file);
}

/** Removes the entry; returns the same text when there is none. Throws {@link ClientConfigUnusable}. */
export function removeEntry(
  text: string,
  shape: ConfigShape,
  { name, file }: { name: string; file: string },
): string {
  const { config, servers, path } = readServers(text, shape, file);
  if (!Object.hasOwn(servers, name)) return text;
  const edited =
    shape.format === "toml"
      ? removeTomlTable(text, [shape.container, name])
      : EDITORS[shape.format].remove(text, [...path, name]);
  const { [name]: _removed, ...others } = servers;
  return checked(edited, withServers(config, path, others), shape, file);
}

/** The entry alone, for copying by hand. */
export function writeBlock(
  { format, container, defaults }: ConfigShape,
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

/** Writes only the fields that differ, so that comments inside an entry stay. */
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

/** Returns the edited text if it holds the expected values and nothing else has changed; throws otherwise. */
function checked(edited: string, expected: ConfigObject, shape: ConfigShape, file: string): string {
  let actual: unknown;
  try {
    actual = readConfigText(edited, shape.format, file);
  } catch (error) {
    throw notUnderstood(file, { cause: error });
  }
  // An editor may remove a container that became empty.
  const { container } = shape;
  const seen = isConfigObject(actual) ? { [container]: {}, ...actual } : actual;
  if (isDeepStrictEqual(seen, { [container]: {}, ...expected })) return edited;
  throw notUnderstood(file);
}

function notUnderstood(file: string, options?: ErrorOptions): ClientConfigUnusable {
  return new ClientConfigUnusable(
    `${file} cannot be changed safely because of its form; nothing was changed. Add the output of --print by hand.`,
    options,
  );
}

const READERS = { json: readJson, toml: readToml, yaml: readYaml } as const;

function readConfigText(text: string, format: ConfigShape["format"], file: string): ConfigObject {
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
    `${file}: is not an object, so a server cannot be added. Correct it first; nothing was changed.`,
  );
}

/** Parses YAML; empty text is an empty object. Throws {@link ConfigSyntaxError}. */
function readYaml(text: string): unknown {
  const value: unknown = parseYaml(text).toJS();
  return value ?? {};
}

/** Sets the value at a path; keeps comments and the order of everything else. */
function setYamlValue(text: string, path: readonly string[], value: unknown): string {
  const document = parseYaml(text);
  document.setIn(path, document.createNode(value));
  return writeDocument(document, text);
}

/** Removes the value at a path. */
function removeYamlValue(text: string, path: readonly string[]): string {
  const document = parseYaml(text);
  document.deleteIn(path);
  return writeDocument(document, text);
}

/** Does not wrap long lines. */
const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

function writeYaml(value: unknown): string {
  return stringify(value, STYLE);
}

function parseYaml(text: string): Document {
  // Keeps the spelling of numbers and dates.
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
