import {
  type Node,
  type ParseError,
  createScanner,
  findNodeAtLocation,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { ConfigSyntaxError, positionAt } from "./config-errors.ts";
import { isConfigObject } from "./merge-entry.ts";

/** Some clients write comments and trailing commas. */
const OPTIONS = { allowTrailingComma: true, allowEmptyContent: true };

/** Parses JSON with comments; empty text is an empty object. Throws {@link ConfigSyntaxError}. */
export function readJson(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, OPTIONS);
  const [first] = errors;
  if (first !== undefined) {
    const problem = printParseErrorCode(first.error).replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
    throw new ConfigSyntaxError(problem.toLowerCase(), positionAt(text, first.offset));
  }
  return value === undefined ? {} : value;
}

/**
 * Sets the value at a path, creates missing objects on the way, and changes nothing else. Our own code, because
 * `jsonc-parser.modify` reformats the neighbouring entry and moves comments behind the new one.
 */
export function setJsonValue(text: string, path: readonly string[], value: unknown): string {
  const root = parseTree(text, [], OPTIONS);
  if (root === undefined) return setJsonValue(`${text}{}${detectStyle(text).eol}`, path, value);
  const existing = findNodeAtLocation(root, [...path]);
  const style = detectStyle(text);
  if (existing !== undefined) {
    const written = write(value, style, indentAt(text, existing.offset));
    return splice(text, existing.offset, endOf(existing), written);
  }
  for (let depth = path.length - 1; depth >= 0; depth -= 1) {
    const object = findNodeAtLocation(root, path.slice(0, depth));
    const [name, ...inner] = path.slice(depth);
    if (object?.type !== "object" || name === undefined) continue;
    const wrapped = inner.reduceRight<unknown>((rest, key) => ({ [key]: rest }), value);
    return insertProperty(text, object, { name, value: wrapped }, style);
  }
  throw new Error(`There is no object in which ${path.join(".")} could be set`);
}

/** Removes the property at a path, and changes nothing else. */
export function removeJsonProperty(text: string, path: readonly string[]): string {
  const root = parseTree(text, [], OPTIONS);
  const property = root && findNodeAtLocation(root, [...path])?.parent;
  const object = property?.parent;
  if (property === undefined || object === undefined) return text;
  const siblings = object.children ?? [];
  const index = siblings.indexOf(property);
  const previous = siblings[index - 1];
  const commaAfter = commaFrom(text, endOf(property));
  let start = property.offset;
  let end = commaAfter === undefined ? endOf(property) : commaAfter + 1;
  if (startsLine(text, start)) {
    // Remove whole lines, except when the last one has other text.
    const rest = /^[ \t]*(?:\r?\n)?/.exec(text.slice(end))?.[0] ?? "";
    if (rest.endsWith("\n")) {
      start -= indentAt(text, start).length;
      end += rest.length;
    }
  }
  const without = splice(text, start, end, "");
  const commaBefore = previous && commaFrom(text, endOf(previous));
  // Strict readers reject a comma after the last property.
  return commaAfter === undefined && commaBefore !== undefined
    ? splice(without, commaBefore, commaBefore + 1, "")
    : without;
}

function insertProperty(
  text: string,
  object: Node,
  { name, value }: { name: string; value: unknown },
  style: Style,
): string {
  const last = object.children?.at(-1);
  const outer = indentAt(text, object.offset);
  const indent =
    last !== undefined && startsLine(text, last.offset)
      ? indentAt(text, last.offset)
      : outer + style.unit;
  const tailStart = last === undefined ? object.offset + 1 : endOf(last);
  const close = endOf(object) - 1;
  const tail = text.slice(tailStart, close);
  const kept = tail.trimEnd();
  const space = tail.slice(kept.length);
  const hasComma = last !== undefined && commaFrom(text, tailStart) !== undefined;
  const property = `${JSON.stringify(name)}: ${write(value, style, indent)}`;
  const inserted = [
    last === undefined || hasComma ? "" : ",",
    kept,
    style.eol,
    indent,
    property,
    hasComma ? "," : "",
    space.includes("\n") ? space : style.eol + outer,
  ].join("");
  return splice(text, tailStart, close, inserted);
}

/** The offset of the next token if it is a comma. */
function commaFrom(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  const found = scanner.getTokenOffset();
  return text[found] === "," ? found : undefined;
}

interface Style {
  /** One step of indentation. */
  unit: string;
  eol: string;
}

/** The style of the file; two spaces when it has no indentation. */
function detectStyle(text: string): Style {
  return {
    unit: /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ",
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}

/** JSON with lists of strings on one line. */
export function writeJson(value: unknown): string {
  return write(value, { unit: "  ", eol: "\n" }, "");
}

function write(value: unknown, style: Style, indent: string): string {
  const { unit, eol } = style;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  }
  if (!isConfigObject(value) || Object.keys(value).length === 0) {
    return JSON.stringify(value, null, unit).replaceAll("\n", eol + indent);
  }
  const inner = indent + unit;
  const lines = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${write(item, style, inner)}`,
  );
  return `{${eol}${lines.join(`,${eol}`)}${eol}${indent}}`;
}

/** The indentation of the line at an offset. */
function indentAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, offset))?.[0] ?? "";
}

function startsLine(text: string, offset: number): boolean {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  return lineStart > 0 && text.slice(lineStart, offset).trim() === "";
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

function splice(text: string, start: number, end: number, insert: string): string {
  return text.slice(0, start) + insert + text.slice(end);
}
