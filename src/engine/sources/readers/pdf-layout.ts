import type { Block } from "../document.ts";
import type { Place } from "../source.ts";
import { dropPageEdges, isContinued } from "./page-edges.ts";

/** A line of a page, as it is drawn. */
export interface PdfLine {
  text: string;
  /** The height of its largest letters, in points. */
  height: number;
  /** The position of its baseline, in points from the foot of the page. */
  y: number;
  page: number;
}

/** A heading is set this much larger than the text. */
const HEADING_RATIO = 1.15;
/** Longer lines in large letters are prose, as on a slide. */
const MAX_HEADING_CHARS = 120;
/** Dots that lead to a page number, in a table of contents. */
const LEADER = /(?:[.·…]{4,}|(?: [.·…]){2,}) ?\w+$/;
/** Lines of a paragraph stand closer than this many heights of a letter. */
const PARAGRAPH_GAP = 1.75;

/** Headings and paragraphs of a PDF, which knows only where its letters stand. */
export function readPdfBlocks(lines: readonly PdfLine[]): Block[] {
  const kept = dropEdges(lines);
  const textHeight = commonHeight(kept);
  const isHeading = (line: PdfLine) =>
    line.height >= textHeight * HEADING_RATIO &&
    line.text.length <= MAX_HEADING_CHARS &&
    !LEADER.test(line.text);
  const sizes = [...new Set(kept.filter(isHeading).map(sizeOf))].toSorted((a, b) => b - a);

  const blocks: Block[] = [];
  let before: PdfLine | null = null;
  for (const line of kept) {
    const block = blocks.at(-1);
    const kind = isHeading(line) ? "heading" : "line";
    const continues: boolean =
      before !== null &&
      block?.kind === kind &&
      sizeOf(before) === sizeOf(line) &&
      !LEADER.test(before.text) &&
      isNext(before, line);
    if (continues && block !== undefined) block.text = joinLines(block.text, line.text);
    else {
      const place: Place = { unit: "page", number: line.page };
      const level = sizes.indexOf(sizeOf(line)) + 1;
      blocks.push({ kind, level, text: line.text, place });
    }
    before = line;
  }
  return blocks;
}

/** Heads and feet are found by their places: pages may be drawn in any order. */
function dropEdges(lines: readonly PdfLine[]): PdfLine[] {
  const pages = Array.from({ length: lines.at(-1)?.page ?? 0 }, (): PdfLine[] => []);
  for (const line of lines) pages[line.page - 1]?.push(line);
  const kept = new Set(
    dropPageEdges(pages.map((page) => page.toSorted((a, b) => b.y - a.y))).flat(),
  );
  return lines.filter((line) => kept.has(line));
}

function sizeOf({ height }: PdfLine): number {
  return Math.round(height);
}

/** The height in which most letters are set. */
function commonHeight(lines: readonly PdfLine[]): number {
  const chars = new Map<number, number>();
  for (const line of lines) {
    chars.set(sizeOf(line), (chars.get(sizeOf(line)) ?? 0) + line.text.length);
  }
  const [common] = [...chars].toSorted(([, a], [, b]) => b - a);
  return common?.[0] ?? 0;
}

/** Whether the line continues the paragraph: just below, or on the next page in the middle of a sentence. */
function isNext(before: PdfLine, line: PdfLine): boolean {
  if (line.page !== before.page) return isContinued(before.text, line.text);
  const gap = before.y - line.y;
  return gap >= 0 && gap <= Math.max(before.height, line.height) * PARAGRAPH_GAP;
}

/** A word that was divided at the end of its line becomes whole again. */
function joinLines(text: string, next: string): string {
  const isDivided = /\p{Ll}-$/u.test(text) && /^\p{Ll}/u.test(next);
  return isDivided ? text.slice(0, -1) + next : `${text} ${next}`;
}
