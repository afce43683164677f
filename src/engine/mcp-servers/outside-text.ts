import { MAX_QUOTED_CHARS } from "./limits.ts";

/**
 * Control and format characters, except line breaks, tabs and the joiners that some scripts need. They show nothing and
 * can hide text from a reader, turn its direction, or drive a terminal. Half a surrogate pair is no character either.
 */
const INVISIBLE = /[^\P{Cc}\n\t]|[^\P{Cf}\u200c\u200d]|\p{Cs}/gu;

/** Text that came from outside, as it may be kept, shown and quoted. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(INVISIBLE, "");
}

/** The same as one short line, for messages and names. */
export function cleanLine(text: string, maxChars = MAX_QUOTED_CHARS): string {
  const line = cleanText(text).replace(/\s+/g, " ").trim();
  return line.length > maxChars ? `${line.slice(0, maxChars).trimEnd()}…` : line;
}
