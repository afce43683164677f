import { type Document, YAMLParseError, parseDocument, stringify } from "yaml";
import { ConfigSyntaxError, positionAt } from "./config-syntax.ts";

/** The value of a YAML text; an empty one is an empty object. Throws {@link ConfigSyntaxError}. */
export function readYaml(text: string): unknown {
  const value: unknown = parseYaml(text).toJS();
  return value ?? {};
}

/** The text with a value at a path; comments and the order of everything else stay. */
export function setYamlValue(text: string, path: readonly string[], value: unknown): string {
  const document = parseYaml(text);
  document.setIn(path, document.createNode(value));
  return write(document, text);
}

/** The text without what is at a path. */
export function removeYamlValue(text: string, path: readonly string[]): string {
  const document = parseYaml(text);
  document.deleteIn(path);
  return write(document, text);
}

/** Long lines stay as they are. */
const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

export function writeYaml(value: unknown): string {
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

function write(document: Document, before: string): string {
  // The library indents lists in maps; many files do not.
  const indentSeq = !/^(\s*)[^\s#-][^\n]*:\s*\n\1- /m.test(before);
  const text = document.toString({ ...STYLE, indentSeq });
  return before.includes("\r\n") ? text.replaceAll(/\r?\n/g, "\r\n") : text;
}
