import stringWidth from "string-width";
import { cutPlace } from "../../text/cut-text.ts";

/** An emoji family of four has eleven UTF-16 units in two columns; accented letters have a few. */
const UNITS_PER_COLUMN = 8;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The start of a line that fits into `columns`. A character may take two columns, and is never split. */
export function cutToWidth(line: string, columns: number): string {
  // No character is wider than two columns per UTF-16 unit.
  if (line.length * 2 <= columns) return line;
  // Segmenting takes time quadratic in the length, so cut first.
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

/** Pads the line with spaces to `columns`. */
export function padToWidth(line: string, columns: number): string {
  return line + " ".repeat(Math.max(columns - stringWidth(line), 0));
}

export function widthOf(line: string): number {
  return stringWidth(line);
}
