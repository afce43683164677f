import type { Passage, Place } from "./source.ts";

/** The text under one heading, of any length. */
export type DocumentSection = Passage;

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

/** The building blocks that the parsers of all formats produce, in document order. */
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

/** Groups lines under their heading path. A heading that repeats the title adds nothing to the path. */
export function groupSections(blocks: readonly Block[], title: string | null): DocumentSection[] {
  const sections: DocumentSection[] = [];
  const path: { level: number; text: string }[] = [];
  let lines: string[] = [];
  let place: Place | null = null;

  const close = () => {
    if (lines.length === 0) return;
    const headings = path.map((heading) => heading.text).filter((text) => text !== title);
    sections.push({ heading: headings.join(" › "), text: lines.join("\n"), place });
    lines = [];
  };
  for (const block of blocks) {
    if (block.kind === "line") {
      if (lines.length === 0) place = block.place ?? null;
      lines.push(block.text);
      continue;
    }
    close();
    while ((path.at(-1)?.level ?? 0) >= block.level) path.pop();
    path.push({ level: block.level, text: block.text });
  }
  close();
  return sections;
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
