import { segmentText } from "./segment-text.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });
/** Longer than sentences are; a line without one is cut here. */
const MAX_PIECE_CHARS = 2_000;

/** Words whose full stop ends no sentence although a capital letter or a number may follow. */
const ABBREVIATION =
  /(?:^|[\s("'“])(?:\p{Lu}|(?:\p{L}\.)+\p{L}|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Sen|Gov|vs|etc|approx|ca|cf|al|No|Nos|Fig|Vol|pp|Art|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\.\s*$/u;

/**
 * The sentences of a text, verbatim and in order. A line break always ends one: lines are paragraphs, list items and
 * table rows. A row of a table is one sentence.
 */
export function splitSentences(text: string): string[] {
  return text.split("\n").flatMap(splitLine);
}

function splitLine(line: string): string[] {
  const sentences: string[] = [];
  let current = "";
  for (const { segment } of segmentText(segmenter, line, MAX_PIECE_CHARS)) {
    current += segment;
    if (ABBREVIATION.test(current)) continue;
    sentences.push(current.trim());
    current = "";
  }
  sentences.push(current.trim());
  return sentences.filter((sentence) => sentence !== "");
}
