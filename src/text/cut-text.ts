const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * How many characters before a cut are segmented. Segmenting takes the square of the length; the longest emoji have
 * some 30 UTF-16 units, and longer segments are only piles of accents.
 */
const WINDOW_CHARS = 128;

/** Most cuts are between such characters, and need no segmenting: each of them is a character by itself. */
const BETWEEN_LETTERS =
  /^(?:(?!\p{M})[ -~\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{P}]){2}$/u;

/**
 * The nearest position at or before `at` (in UTF-16 units), and after `after`, where the text can be cut without
 * splitting a visible character. If that character is longer than the window, or reaches back to `after`, only
 * surrogate pairs stay whole.
 */
export function cutPlace(text: string, at: number, after = 0): number {
  if (at >= text.length) return text.length;
  if (at <= 0 || BETWEEN_LETTERS.test(text.slice(at - 1, at + 1))) return at;
  // A window that begins at an ASCII character begins with a whole one.
  let from = at - 1;
  while (from > 0 && from > at - WINDOW_CHARS && !isAscii(text, from)) from -= 1;
  const segment = graphemes.segment(text.slice(from, at + 2)).containing(at - from);
  const place = from + (segment?.index ?? 0);
  if (place > after && (place > from || from === 0 || isAscii(text, from))) return place;
  if (!/^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1))) return at;
  return at - 1 > after ? at - 1 : at + 1;
}

/** The first `maxChars` UTF-16 units, with a mark when there were more; no character is split. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, cutPlace(text, maxChars - 1)).trimEnd()}…`;
}

function isAscii(text: string, at: number): boolean {
  return text.charCodeAt(at) < 0x80;
}
