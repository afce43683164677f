import { cutPlace } from "../../../text/cut-text.ts";
import type { DocumentSection } from "../document.ts";
import type { Passage, Place } from "../source.ts";
import { splitSentences } from "./sentences.ts";

/**
 * The length of a passage, the unit of indexing and ranking: about a long paragraph, so that matched words are close
 * together.
 */
export const MAX_PASSAGE_CHARS = 1_200;

/**
 * Cuts a section into passages of bounded length, between lines where possible, never inside a sentence that fits. A
 * passage holds no lines of two pages.
 */
export function splitPassages({ heading, text, place, places }: DocumentSection): Passage[] {
  const passages: Passage[] = [];
  let current: Passage = { heading, text: "", place };
  const begin = (at: Place | null) => {
    if (current.text !== "") passages.push(current);
    current = { heading, text: "", place: at };
  };
  for (const [index, line] of text.split("\n").entries()) {
    const at = places?.[index] ?? place;
    if (current.text === "" || isOtherPage(current.place, at)) begin(at);
    let separator = "\n";
    for (const piece of cutLine(line)) {
      const length = current.text.length + separator.length + piece.length;
      if (length > MAX_PASSAGE_CHARS) begin(at);
      current.text = current.text === "" ? piece : current.text + separator + piece;
      separator = " ";
    }
  }
  begin(null);
  return passages;
}

function isOtherPage(before: Place | null, at: Place | null): boolean {
  return before?.number !== at?.number && at?.unit !== "line";
}

function cutLine(line: string): string[] {
  if (line.length <= MAX_PASSAGE_CHARS) return [line];
  return splitSentences(line).flatMap(cutSentence);
}

/** A "sentence" this long is text without punctuation; it is cut at a space, or anywhere when it has none. */
function cutSentence(sentence: string): string[] {
  const pieces: string[] = [];
  let rest = sentence;
  while (rest.length > MAX_PASSAGE_CHARS) {
    const space = rest.lastIndexOf(" ", MAX_PASSAGE_CHARS);
    const end = space > 0 ? space : cutPlace(rest, MAX_PASSAGE_CHARS);
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...pieces, rest];
}
