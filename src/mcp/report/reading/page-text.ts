import { cleanLine } from "../../../text/clean-text.ts";
import { cutPlace } from "../../../text/cut-text.ts";

/** A slice of a longer text. Offsets count characters as JavaScript does (UTF-16 units). */
export interface Page {
  text: string;
  offset: number;
  /** Where to read on; null when this page reaches the end. */
  nextOffset: number | null;
  totalChars: number;
}

/** A page may end at a line break if that gives up no more than this share of it: readers prefer whole lines. */
const LINE_BREAK_SHARE = 0.15;

/**
 * The slice of `text` that starts at `offset` and weighs at most `budget`. It never splits what a reader takes for one character, and always
 * holds at least one, so that reading on makes progress.
 */
export function pageText(text: string, offset: number, budget: number): Page {
  const start = isInsidePair(text, offset) ? offset - 1 : Math.min(offset, text.length);
  let end = endWithin(text, start, budget);
  if (end < text.length) {
    const lineBreak = text.lastIndexOf("\n", end - 1) + 1;
    if (lineBreak > start && end - lineBreak < (end - start) * LINE_BREAK_SHARE) end = lineBreak;
  }
  return {
    text: text.slice(start, end),
    offset: start,
    nextOffset: end < text.length ? end : null,
    totalChars: text.length,
  };
}

/** Nothing but letters, digits and what stands between them in ids, names and dates. */
const PLAIN_WORD = /^[\w.:+-]*$/;

/** Text from outside as part of one line: clean, without line breaks, and at most `budget` in weight. */
export function oneLine(text: string, budget: number): string {
  // An id or a date, as most are: each of its characters weighs one.
  if (text.length <= budget && PLAIN_WORD.test(text)) return text;
  const line = cleanLine(text);
  const end = endWithin(line, 0, budget);
  return end < line.length ? `${line.slice(0, end).trimEnd()}…` : line;
}

function endWithin(text: string, start: number, budget: number): number {
  let weight = 0;
  let end = start;
  for (const character of text.slice(start, start + Math.max(budget, 2))) {
    weight += weigh(character);
    if (weight > budget && end > start) break;
    end += character.length;
  }
  return cutPlace(text, end, start);
}

/**
 * What a character costs a reader: its length in UTF-8 or inside a JSON string, whichever is more. A model's tokens
 * follow the first (a Chinese character is about one token); `structuredContent` is shown as the second.
 */
function weigh(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return JSON.stringify(character).length - 2;
  if (character === '"' || character === "\\") return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

function isInsidePair(text: string, offset: number): boolean {
  const before = text.charCodeAt(offset - 1);
  const at = text.charCodeAt(offset);
  return before >= 0xd800 && before <= 0xdbff && at >= 0xdc00 && at <= 0xdfff;
}
