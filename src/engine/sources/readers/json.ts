import { z } from "zod";
import { parseJson } from "../../../text/json.ts";
import {
  type Block,
  groupSections,
  normalizeLine,
  type ParsedDocument,
  readIsoDate,
  readWebUrl,
} from "../document.ts";
import type { Place } from "../source.ts";
import { MAX_PASSAGE_CHARS } from "../text/passages.ts";
import { readableName } from "../text/words.ts";
import type { DataRecord, DocumentHead } from "./document-parts.ts";
import { checkJsonDepth, splitJson } from "./split-json.ts";

const Members = z.record(z.string(), z.unknown());
const Head = z.looseObject({
  title: z.string().catch(""),
  url: z.string().catch(""),
  date: z.string().catch(""),
});

/** Strings with more characters are prose, not values: each of their lines stands alone. */
const MAX_VALUE_CHARS = 300;
const MAX_NAME_CHARS = 80;

/**
 * Reads a JSON file: each object becomes a line of `name: value` cells, under the path of names that leads to it. An
 * object of several lines stands under its own name.
 */
export function parseJsonDocument(text: string): ParsedDocument {
  const value = parseJson(text);
  return readDocument(value, readBlocks(value, 1, 1));
}

/** Reads a list, or the members of an object, of any length, one after another. */
export async function* readJsonRecords(
  chunks: AsyncIterable<string>,
): AsyncGenerator<DataRecord, void> {
  for await (const { key, isListed, value } of splitJson(chunks)) {
    if (key === null) yield { heading: null, blocks: readRecord(value, 1, 2) };
    else if (isListed) yield { heading: readableName(key), blocks: readRecord(value, 2, 3) };
    else {
      const member = { [key]: value };
      yield { heading: null, blocks: readBlocks(member, 1, 1), head: readHead(member) };
    }
  }
}

/** Reads a file with one JSON value on each line. */
export function parseJsonLinesDocument(text: string): ParsedDocument {
  const blocks = text.split("\n").flatMap((line, index) => readJsonLine(line, index + 1));
  return readDocument(null, blocks);
}

/** Reads JSON values of any number, each on a line of its own. */
export async function* readJsonLineRecords(
  chunks: AsyncIterable<string>,
): AsyncGenerator<DataRecord, void> {
  let number = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      number += 1;
      yield { heading: null, blocks: readJsonLine(line, number) };
    }
  }
  yield { heading: null, blocks: readJsonLine(rest, number + 1) };
}

function readJsonLine(line: string, number: number): Block[] {
  if (line.trim() === "") return [];
  const place: Place = { unit: "line", number };
  return readRecord(parseJson(line), 1, 2).map((block) => ({ ...block, place }));
}

function readDocument(value: unknown, blocks: readonly Block[]): ParsedDocument {
  const head = readHead(value);
  return { ...head, sections: groupSections(blocks, head.title), problems: [] };
}

function readHead(value: unknown): DocumentHead {
  const { title, url, date } = Head.catch({ title: "", url: "", date: "" }).parse(value);
  return {
    title: normalizeLine(title) || null,
    url: readWebUrl(url),
    publishedOn: readIsoDate(date),
  };
}

/** A member of a list. One that does not fit into a line gets a heading, so that each of its passages names it. */
function readRecord(value: unknown, level: number, depth: number): Block[] {
  const blocks = readBlocks(value, level, depth);
  const [first] = blocks;
  const isLine =
    first === undefined || (blocks.length === 1 && first.text.length <= MAX_PASSAGE_CHARS);
  if (isLine) return blocks;
  return [{ kind: "heading", level, text: nameRecord(value) }, ...blocks.map(deeper)];
}

/** The value's own line first, then what lies deeper, under headings. */
function readBlocks(value: unknown, level: number, depth: number): Block[] {
  checkJsonDepth(depth);
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => readRecord(item, level, depth + 1));
  }
  const members = Members.safeParse(value);
  if (!members.success) return toLines(describeScalar(value));

  const cells: string[] = [];
  const prose: Block[] = [];
  const nested: Block[] = [];
  for (const [key, member] of Object.entries(members.data)) {
    const name = readableName(key);
    const text = describeShort(member);
    if (text === null) {
      nested.push(
        { kind: "heading", level, text: name },
        ...readBlocks(member, level + 1, depth + 1),
      );
    } else if (text.length > MAX_VALUE_CHARS || text.includes("\n")) {
      prose.push(...toLines(text));
    } else if (text !== "") {
      cells.push(`${name}: ${normalizeLine(text)}`);
    }
  }
  const line: Block[] = cells.length === 0 ? [] : [{ kind: "line", text: cells.join("; ") }];
  return [...line, ...prose, ...nested];
}

function deeper(block: Block): Block {
  return block.kind === "heading" ? { ...block, level: block.level + 1 } : block;
}

const NAMES = ["name", "title", "label"];

/** The heading of a record: its name, else the name of a part of it, else its id or first short value. */
function nameRecord(record: unknown): string {
  const members = Members.catch({}).parse(record);
  const parts = Object.values(members).map((part) => Members.catch({}).parse(part));
  const candidates = [
    ...NAMES.map((key) => members[key]),
    ...parts.flatMap((part) => NAMES.map((key) => part[key])),
    members["id"],
    ...Object.values(members).filter(isScalar),
  ];
  return candidates.map(nameOf).find((name) => name !== "") ?? "record";
}

/** The short value of a name. A name in several languages or forms is the first of them. */
function nameOf(value: unknown): string {
  const [first] = Object.values(Members.catch({}).parse(value));
  const text = normalizeLine(describeShort(value) ?? describeShort(first) ?? "");
  return text.length <= MAX_NAME_CHARS ? text : "";
}

/** The value in a cell; null for a nested value. */
function describeShort(value: unknown): string | null {
  if (Array.isArray(value)) {
    return value.every((item: unknown) => isScalar(item))
      ? value.map(describeScalar).join(", ")
      : null;
  }
  return isScalar(value) ? describeScalar(value) : null;
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function describeScalar(value: unknown): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function toLines(text: string): Block[] {
  return text
    .split("\n")
    .map(normalizeLine)
    .filter((line) => line !== "")
    .map((line) => ({ kind: "line", text: line }));
}
