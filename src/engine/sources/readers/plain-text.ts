import { type Block, groupSections, normalizeLine, type ParsedDocument } from "../document.ts";
import { readFrontMatter } from "./front-matter.ts";
import type { Place } from "../source.ts";
import { dropPageEdges, isContinued } from "./page-edges.ts";

interface TextLine {
  /** Without the spaces around it; empty for a blank line. */
  text: string;
  /** How many columns it is indented. */
  indent: number;
  hasGap: boolean;
  number: number;
}

/** Lines between blank ones; never empty. */
type Paragraph = readonly [TextLine, ...TextLine[]];

/** Longer first lines are prose, not a title. */
const MAX_TITLE_CHARS = 120;
/** A title has up to so many lines, and stands among so many paragraphs. */
const MAX_TITLE_LINES = 3;
const MAX_TITLE_PARAGRAPHS = 6;

const MIN_CENTRED_INDENT = 8;
/** A line of the right column alone: a centred title begins further to the left. */
const MIN_RIGHT_INDENT = 40;

/** A bullet or a number, with which a line of a list begins. */
const ITEM = /^\s*(?:[-*•]|(?:\d+\.)*\d+[.)])\s+/;
/** Two columns, as in a table, a list of contents or the head of a memo. */
const GAP = /\S(?: {3,}|\t+|\.{4,})\S/;
/** `2.3.4. Size limits`, `A.1 Terms`, `Chapter IV`: the number says how deep the section lies. */
const NUMBERED =
  /^(?:(?:appendix|chapter|part|section) (?:\d+|[a-z]|[ivxlc]+)\b|(?<number>\d+[.)]|(?:\d+|[a-z])(?:\.\d+)+[.)]?) \S)/i;
/** `Name: value`, also as reStructuredText writes it; and its markup for what is no text. */
const FIELD = /^(?::?\p{L}[\p{L}\s-]{1,30}:\s|:[\w-]+:|\.\. )/u;
/** A line of one sign that underlines a heading. */
const RULE = /^([^\w\s])\1{2,}$/;

/** Reads a text file: blank lines separate paragraphs; numbered, underlined and outdented lines are headings. */
export function parsePlainText(text: string): ParsedDocument {
  const { body, bodyLine, problems, ...fields } = readFrontMatter(text);
  const paragraphs = splitParagraphs(joinPages(splitPages(body, bodyLine)));
  const titled = findTitle(paragraphs);
  const title = fields.title ?? (titled === undefined ? null : joinText(titled));
  return {
    title,
    url: fields.url,
    publishedOn: fields.publishedOn,
    sections: groupSections(readBlocks(paragraphs, titled), title),
    problems,
  };
}

/** A page ends at a form feed, or below a line such as `Postel [Page 12]`. */
function splitPages(body: string, firstLine: number): TextLine[][] {
  const pages: TextLine[][] = [[]];
  for (const [index, line] of body.split("\n").entries()) {
    if (line.includes("\f")) pages.push([]);
    const text = normalizeLine(line);
    const indent = Math.max(0, line.replaceAll("\t", " ".repeat(8)).search(/[^\s\p{Cc}]/u));
    const hasGap = GAP.test(line.replace(ITEM, ""));
    pages.at(-1)?.push({ text, indent, hasGap, number: firstLine + index });
    if (/\[Page \d+\]$/.test(text)) pages.push([]);
  }
  return pages.filter((page) => page.some(({ text }) => text !== ""));
}

/** The lines of all pages. A paragraph that goes on over the end of a page stays whole. */
function joinPages(pages: readonly TextLine[][]): TextLine[] {
  const lines: TextLine[] = [];
  for (const page of dropPageEdges(pages.map(trimBlankLines)).map(trimBlankLines)) {
    const [first] = page;
    const last = lines.at(-1);
    const goesOn = first !== undefined && last !== undefined && isContinued(last.text, first.text);
    if (last !== undefined && !goesOn) lines.push({ ...last, text: "" });
    lines.push(...page);
  }
  return lines;
}

function trimBlankLines(lines: readonly TextLine[]): TextLine[] {
  const isText = ({ text }: TextLine) => text !== "";
  return lines.slice(Math.max(0, lines.findIndex(isText)), lines.findLastIndex(isText) + 1);
}

/** The lines between blank ones. An underlined heading needs no blank line below it. */
function splitParagraphs(lines: readonly TextLine[]): Paragraph[] {
  const paragraphs: TextLine[][] = [[]];
  for (const line of lines) {
    const paragraph = paragraphs.at(-1) ?? [];
    if (line.text === "" || isUnderlined(paragraph))
      paragraphs.push(line.text === "" ? [] : [line]);
    else paragraph.push(line);
  }
  return paragraphs.flatMap(([first, ...others]) => (first ? [[first, ...others] as const] : []));
}

/** A heading and a line of one sign, at least as long; it may have such a line above it too. */
function isUnderlined(lines: readonly TextLine[]): boolean {
  const [title, rule] =
    lines.length === 3 && RULE.test(lines[0]?.text ?? "") ? lines.slice(1) : lines;
  return (
    lines.length <= 3 &&
    rule !== undefined &&
    RULE.test(rule.text) &&
    title !== undefined &&
    isShort(title.text) &&
    title.text.length <= rule.text.length
  );
}

function isShort(text: string): boolean {
  return text.length <= MAX_TITLE_CHARS && /[\p{L}\p{N}]/u.test(text);
}

/** The first paragraph that is no head of a letter or memo, when it is short and no prose; else a short first line. */
function findTitle(paragraphs: readonly Paragraph[]): Paragraph | undefined {
  const beginning = paragraphs.slice(0, MAX_TITLE_PARAGRAPHS);
  const title = beginning.find((lines) => !isHead(lines));
  const [first] = beginning;
  return [title, first].find((lines) => lines !== undefined && isTitle(lines));
}

function isHead(lines: Paragraph): boolean {
  const isOfHead = ({ text, indent, hasGap }: TextLine) =>
    hasGap || indent >= MIN_RIGHT_INDENT || FIELD.test(text);
  return lines.filter(isOfHead).length * 2 > lines.length;
}

function isTitle(lines: Paragraph): boolean {
  if (isUnderlined(lines)) return true;
  const isCentred = lines.every(({ indent }) => indent >= MIN_CENTRED_INDENT);
  const text = joinText(lines);
  return (
    lines.length <= (isCentred ? MAX_TITLE_LINES : 1) && isShort(text) && !/[.!?:;,]$/.test(text)
  );
}

function joinText(lines: Paragraph): string {
  return lines
    .map(({ text }) => text)
    .filter((text) => !RULE.test(text))
    .join(" ");
}

function readBlocks(paragraphs: readonly Paragraph[], title: Paragraph | undefined): Block[] {
  const rules: string[] = [];
  const indented = paragraphs.flat().filter(({ indent }) => indent > 0);
  const isIndented = indented.length * 2 > paragraphs.flat().length;
  return paragraphs.flatMap((lines, index): Block[] => {
    const place: Place = { unit: "line", number: lines[0].number };
    const heading = (level: number): Block[] => [
      { kind: "heading", level, text: joinText(lines), place },
    ];
    if (lines === title) return heading(0);
    if (isUnderlined(lines)) {
      const rule = lines.map(({ text }) => RULE.exec(text)?.[1] ?? "").join("");
      if (!rules.includes(rule)) rules.push(rule);
      return heading(rules.indexOf(rule) + 1);
    }
    const level = headingLevel(lines, [paragraphs[index - 1], paragraphs[index + 1]], isIndented);
    return level === null ? readLines(lines) : heading(level);
  });
}

/** The level of a line that stands alone at the left edge, as a heading; null for other paragraphs. */
function headingLevel(
  lines: Paragraph,
  around: readonly (Paragraph | undefined)[],
  isIndented: boolean,
): number | null {
  const [{ text, indent }, ...others] = lines;
  if (indent > 0 || others.length > 0 || !isShort(text) || /[.!?:;,]$/.test(text)) return null;
  const level = numberedLevel(text);
  if (level === null) return isIndented ? 1 : null;
  // A list has its numbers one after the other, and no text below them.
  const isListed = around.some(
    (other) =>
      other?.length === 1 && other[0].indent === 0 && numberedLevel(other[0].text) === level,
  );
  return isListed ? null : level;
}

/** How many numbers `2.3.4. Size limits` begins with; null without one. */
function numberedLevel(text: string): number | null {
  const match = NUMBERED.exec(text);
  return match && (match.groups?.["number"] ?? "1").replace(/[.)]$/, "").split(".").length;
}

/** Wrapped lines belong together; a bullet or a number begins a new one, and each row of a table is one. */
function readLines(lines: Paragraph): Block[] {
  const isTable = lines.filter(({ hasGap }) => hasGap).length * 2 > lines.length;
  const blocks: Block[] = [];
  for (const { text, number } of lines) {
    const before = blocks.at(-1);
    if (before === undefined || isTable || ITEM.test(text)) {
      blocks.push({
        kind: "line",
        text: text.replace(/^[-*•] /, ""),
        place: { unit: "line", number },
      });
    } else {
      before.text += ` ${text}`;
    }
  }
  return blocks;
}
