import type { Passage, Place } from "./source.ts";

/** The text under one heading, of any length. */
export interface DocumentSection extends Passage {
  /** Where each line of the text begins; without it, all of them where the section begins. */
  places?: readonly (Place | null)[];
}

/** The result of parsing a file. Null: the file does not contain the value. */
export interface ParsedDocument {
  title: string | null;
  /** The URL where the document was published; only http and https. */
  url: string | null;
  /** `YYYY-MM-DD`. */
  publishedOn: string | null;
  sections: DocumentSection[];
  /** Problems of the file that did not prevent reading its text. */
  problems: string[];
}

/** The file cannot be used as a source; the message says why and is written to follow the file name. */
export class DocumentUnreadable extends Error {
  override readonly name = "DocumentUnreadable";
}

/** The file takes too much time or memory; reading it again would cost the same. */
export class DocumentTooCostly extends DocumentUnreadable {}

/**
 * The building blocks that the parsers of all formats produce, in document order. A heading of level 0 is the title; one
 * without text ends the headings of its level.
 */
export type Block =
  | { kind: "heading"; level: number; text: string; place?: Place }
  | { kind: "line"; text: string; place?: Place };

/** The first heading of level 1: what a document without a declared title calls itself. */
export function firstHeading(blocks: readonly Block[]): string | null {
  for (const block of blocks) {
    if (block.kind === "heading" && block.level === 1) return block.text;
  }
  return null;
}

/**
 * Groups lines under their heading path. A heading that repeats the title adds nothing to the path. A heading with
 * nothing below it is a text itself, and so is the title of a document that has no other text.
 */
export function groupSections(all: readonly Block[], title: string | null): DocumentSection[] {
  const blocks = dropContents(all);
  const sections: DocumentSection[] = [];
  const path: { level: number; text: string }[] = [];
  let lines: Block[] = [];

  const close = () => {
    const [first] = lines;
    if (first === undefined) return;
    const headings = path.map(({ text }) => text).filter((text) => text !== title);
    sections.push({
      heading: headings.join(" › "),
      text: lines.map(({ text }) => text).join("\n"),
      place: first.place ?? null,
      places: lines.map(({ place }) => place ?? null),
    });
    lines = [];
  };
  for (const [index, block] of blocks.entries()) {
    if (block.kind === "line") {
      lines.push(block);
      continue;
    }
    close();
    while ((path.at(-1)?.level ?? -1) >= block.level) path.pop();
    if (block.text === "") continue;
    if (hasNothingBelow(block.level, blocks[index + 1]) && block.text !== title) {
      lines.push(block);
      close();
    }
    path.push(block);
  }
  close();
  if (sections.length > 0 || title === null) return sections;
  const place = blocks.find(({ text }) => text === title)?.place ?? null;
  return [{ heading: "", text: title, place }];
}

/** Fewer lines may repeat headings without being a table of contents. */
const MIN_CONTENTS_LINES = 3;
/** Entries are no longer, and reading the end of a long line takes quadratic time. */
const MAX_ENTRY_CHARS = 200;
const PAGE_NUMBER = /[\s.·…]+(?:\d+|[ivxlc]+)$/;

/**
 * Leaves out tables of contents: runs of lines with the number of a page or a section, whose texts all are headings
 * further below, so that no text is lost.
 */
function dropContents(blocks: readonly Block[]): Block[] {
  const headings = new Map<string, number>();
  for (const [index, { kind, text }] of blocks.entries()) {
    if (kind === "heading") headings.set(comparable(text), index);
  }
  const isEntry = ({ kind, text }: Block, index: number) =>
    kind === "line" &&
    text.length <= MAX_ENTRY_CHARS &&
    (/^\d/.test(text) || PAGE_NUMBER.test(text)) &&
    [text, text.replace(PAGE_NUMBER, "")].some(
      (entry) => (headings.get(comparable(entry)) ?? 0) > index,
    );
  return dropRuns(blocks, isEntry, MIN_CONTENTS_LINES);
}

/** Leaves out runs of at least `min` items in a row that `isDropped`. */
export function dropRuns<Item>(
  items: readonly Item[],
  isDropped: (item: Item, index: number) => boolean,
  min: number,
): Item[] {
  const kept: Item[] = [];
  let run: Item[] = [];
  for (const [index, item] of items.entries()) {
    if (isDropped(item, index)) {
      run.push(item);
      continue;
    }
    if (run.length < min) kept.push(...run);
    run = [];
    kept.push(item);
  }
  if (run.length < min) kept.push(...run);
  return kept;
}

/** A heading as it is compared with its entry in a table of contents: without case, spaces and signs. */
function comparable(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
}

function hasNothingBelow(level: number, next: Block | undefined): boolean {
  return next === undefined || (next.kind === "heading" && next.level <= level);
}

/** One table row as a line that can be found and quoted alone: `Year: 2023; GDP: $3.05 trillion`. */
export function describeRow(headers: readonly string[], cells: readonly string[]): string {
  return cells
    .flatMap((cell, column) => {
      if (cell === "") return [];
      const header = headers[column] ?? "";
      return header === "" ? [cell] : [`${header}: ${cell}`];
    })
    .join("; ");
}

/** Spaces of every kind become one space; invisible characters go. */
export function normalizeLine(text: string): string {
  return text
    .replace(/[\u00ad\u200b\u2060\ufeff]/g, "")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}

/** `YYYY-MM-DD` from the beginning of an ISO date; a missing month or day becomes the first. Null for anything else. */
export function readIsoDate(text: string): string | null {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?![\d-])/.exec(text.trim());
  if (match === null) return null;
  const [, year = "", month = "01", day = "01"] = match;
  const date = `${year}-${month}-${day}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  const isReal = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
  return isReal ? date : null;
}

/** The address when it is an absolute http or https URL, else null. */
export function readWebUrl(text: string): string | null {
  const trimmed = text.trim();
  return /^https?:\/\//i.test(trimmed) && URL.canParse(trimmed) ? trimmed : null;
}
