import stringWidth from "string-width";
import { cutPlace } from "../../text/cut-text.ts";

/** A family of four has eleven units in two columns; letters with accents have a few. */
const UNITS_PER_COLUMN = 8;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The beginning of a line that fits into so many columns; a sign may take two, and is never cut in half. */
export function cutToWidth(line: string, columns: number): string {
  // Most lines fit, whatever their signs are: none is wider than two columns per UTF-16 unit.
  if (line.length * 2 <= columns) return line;
  // Finding signs takes the square of the length: no more is looked at than the widest emoji would fill.
  const start = line.slice(0, cutPlace(line, columns * UNITS_PER_COLUMN));
  let width = 0;
  let end = 0;
  for (const { segment } of graphemes.segment(start)) {
    width += stringWidth(segment);
    if (width > columns) break;
    end += segment.length;
  }
  return start.slice(0, end);
}

/** The line with spaces up to so many columns. */
export function padToWidth(line: string, columns: number): string {
  return line + " ".repeat(Math.max(columns - stringWidth(line), 0));
}

export function widthOf(line: string): number {
  return stringWidth(line);
}
