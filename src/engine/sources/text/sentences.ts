import { segmentText } from "./segment-text.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });
/** Longer than sentences are: text without an end of one is cut here, and an abbreviation ends one from here on. */
const MAX_SENTENCE_CHARS = 2_000;
/** Longer than any abbreviation with the space before and behind it. */
const MAX_ABBREVIATION_CHARS = 24;

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
  let start = 0;
  for (const { segment, index } of segmentText(segmenter, line, MAX_SENTENCE_CHARS)) {
    const end = index + segment.length;
    // Only the end of the line so far is read, and only for so long: reading all of it again takes quadratic time.
    const lastWord = line.slice(Math.max(start, end - MAX_ABBREVIATION_CHARS), end);
    if (end - start < MAX_SENTENCE_CHARS && ABBREVIATION.test(lastWord)) continue;
    sentences.push(line.slice(start, end).trim());
    start = end;
  }
  sentences.push(line.slice(start).trim());
  return sentences.filter((sentence) => sentence !== "");
}
