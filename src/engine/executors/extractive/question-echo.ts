import { splitWords, wordKey, type Word } from "../../sources/text/words.ts";
import { isStopWord } from "./stop-words.ts";

/** What tools write around the question when they repeat it: `Found 10 results for …`. */
const ECHO_WORDS = new Set(
  `search searched result found show query question ask answer match top web page document source about total q`
    .split(" ")
    .map(wordKey),
);

/** Tells whether a line says nothing but the question itself, as headings of result lists do. */
export function createEchoCheck(question: string): (line: string) => boolean {
  const asked = splitWords(question).map((word) => word.key);
  return (line) => {
    const words = splitWords(line);
    const at = indexOfSequence(words, asked);
    if (at === -1) return false;
    const rest = [...words.slice(0, at), ...words.slice(at + asked.length)];
    const isAround = ({ text, key }: Word) => ECHO_WORDS.has(key) || isStopWord(text);
    return (
      rest.every((word) => isAround(word) || /^\d+$/.test(word.key)) &&
      (rest.length === 0 || rest.some(isAround))
    );
  };
}

function indexOfSequence(words: readonly Word[], keys: readonly string[]): number {
  if (keys.length === 0 || keys.length > words.length) return -1;
  return words.findIndex((_, start) => keys.every((key, at) => words[start + at]?.key === key));
}
