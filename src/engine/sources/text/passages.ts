import { cutPlace } from "../../../text/cut-text.ts";
import type { DocumentSection } from "../document.ts";
import { splitSentences } from "./sentences.ts";

/**
 * The length of a passage, the unit of indexing and ranking: about a long paragraph, so that matched words are close
 * together.
 */
const MAX_PASSAGE_CHARS = 1_200;

/** Cuts a section into passages of bounded length, between lines where possible, never inside a sentence that fits. */
export function splitPassages(section: DocumentSection): DocumentSection[] {
  const passages: DocumentSection[] = [];
  let text = "";
  const close = () => {
    if (text !== "") passages.push({ ...section, text });
    text = "";
  };
  for (const line of section.text.split("\n")) {
    let separator = "\n";
    for (const piece of cutLine(line)) {
      if (text.length + separator.length + piece.length > MAX_PASSAGE_CHARS) close();
      text = text === "" ? piece : text + separator + piece;
      separator = " ";
    }
  }
  close();
  return passages;
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
