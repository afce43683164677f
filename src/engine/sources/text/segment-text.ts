import { cutPlace } from "../../../text/cut-text.ts";

/**
 * The segments of a text, found piece by piece: `Intl.Segmenter` copies its whole input for every segment, so its time
 * and memory grow with the square of the length. A piece ends at a space where there is one, and never inside a
 * character.
 */
export function* segmentText(
  segmenter: Intl.Segmenter,
  text: string,
  maxPieceChars: number,
): Generator<{ segment: string; index: number }, void> {
  for (let start = 0; start < text.length;) {
    const end = endOfPiece(text, start, maxPieceChars);
    for (const { segment, index } of segmenter.segment(text.slice(start, end))) {
      yield { segment, index: start + index };
    }
    start = end;
  }
}

function endOfPiece(text: string, start: number, maxChars: number): number {
  const end = start + maxChars;
  if (end >= text.length) return text.length;
  const space = text.lastIndexOf(" ", end);
  if (space > start) return space + 1;
  return cutPlace(text, end, start);
}
