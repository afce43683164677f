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

/** Comments and trailing commas: some clients write them, and the others read around them. */
const OPTIONS = { allowTrailingComma: true, allowEmptyContent: true };

/** The value of a JSON text, which may have comments; an empty one is an empty object. Throws {@link ConfigSyntaxError}. */
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

/** The text with a value at a path, and nothing else changed. What the path leads through is made when missing. */
export function setJsonValue(text: string, path: readonly string[], value: unknown): string {
  const root = parseTree(text, [], OPTIONS);
  if (root === undefined) return setJsonValue(`${text}{}${detectStyle(text).eol}`, path, value);
  const there = findNodeAtLocation(root, [...path]);
  const style = detectStyle(text);
  if (there !== undefined) {
    const written = write(value, style, indentAt(text, there.offset));
    return splice(text, there.offset, endOf(there), written);
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

/** The text without the property at a path, and nothing else changed. */
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
    // Its lines go; what else stands on the last of them stays.
    const rest = /^[ \t]*(?:\r?\n)?/.exec(text.slice(end))?.[0] ?? "";
    if (rest.endsWith("\n")) {
      start -= indentAt(text, start).length;
      end += rest.length;
    }
  }
  const without = splice(text, start, end, "");
  const commaBefore = previous && commaFrom(text, endOf(previous));
  // The last one without a comma leaves none before it either: strict readers refuse it.
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

/** Where the next thing but space and comments is a comma. */
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

/** As the file does it; two spaces where it does nothing. */
function detectStyle(text: string): Style {
  return {
    unit: /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ",
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}

/** JSON as people write it: lists of words stand on one line. */
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

/** The white space with which the line of an offset begins. */
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
