import { z } from "zod";
import { parseJson } from "../../../text/json.ts";
import {
  type Block,
  DocumentUnreadable,
  groupSections,
  normalizeLine,
  type ParsedDocument,
  readIsoDate,
  readWebUrl,
} from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import { readableName } from "../text/words.ts";

const Members = z.record(z.string(), z.unknown());
const Head = z.looseObject({
  title: z.string().catch(""),
  url: z.string().catch(""),
  date: z.string().catch(""),
});

/** Strings with more characters are prose, not values: each of their lines stands alone. */
const MAX_VALUE_CHARS = 300;

/** Reads a JSON file: each object becomes a line of `name: value` cells, under the path of names that leads to it. */
export function parseJsonDocument(text: string): ParsedDocument {
  return readValue(parseJson(text));
}

/** Reads a file with one JSON value on each line. */
export function parseJsonLinesDocument(text: string): ParsedDocument {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return readValue(lines.map((line) => parseJson(line)));
}

function readValue(value: unknown): ParsedDocument {
  const head = Head.catch({ title: "", url: "", date: "" }).parse(value);
  const title = normalizeLine(head.title) || null;
  return {
    title,
    url: readWebUrl(head.url),
    publishedOn: readIsoDate(head.date),
    sections: groupSections(readBlocks(value, 1, 1), title),
    problems: [],
  };
}

/** The value's own line first, then what lies deeper, under headings. */
function readBlocks(value: unknown, level: number, depth: number): Block[] {
  if (depth > DOCUMENT_LIMITS.jsonDepth) {
    throw new DocumentUnreadable(`is nested more than ${DOCUMENT_LIMITS.jsonDepth} levels deep`);
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown): Block[] => {
      const blocks = readBlocks(item, level, depth + 1);
      // A record with deeper parts ends where the next begins.
      const isNested = blocks.some((block) => block.kind === "heading");
      return isNested
        ? [{ kind: "heading", level, text: nameRecord(item) }, ...blocks.map(deeper)]
        : blocks;
    });
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

/** The heading of a record: its first short value, which is mostly its name. */
function nameRecord(record: unknown): string {
  const values = Object.values(Members.catch({}).parse(record)).map(describeShort);
  const name = values.find((text) => text !== null && text !== "" && text.length <= 80);
  return normalizeLine(name ?? "") || "record";
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
