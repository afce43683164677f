import { hasTellingTitle } from "../../research/found-documents.ts";
import type { DocumentPassage, QueryTerm } from "../../sources/source.ts";
import { splitSentences } from "../../sources/text/sentences.ts";
import { type AskedQuestion, coverage, scoreSentence } from "./score-sentence.ts";

/** A run of neighbouring sentences or rows of a passage. */
export interface PassageWindow {
  passage: DocumentPassage;
  /** The passage's own text, from the first sentence to the last. */
  text: string;
  /** The sentence of it that answers best, and its score. */
  best: string;
  score: number;
  /** The share of the question that the window and its headings have. */
  coverage: number;
  /** The words of the question that the window and its headings have. */
  words: readonly QueryTerm[];
}

/** Enough to be understood alone, short enough that an answer shows several. */
const MAX_WINDOW_CHARS = 400;
const MAX_SENTENCES = 5;
/** More windows of one passage leave no room for others. */
const MAX_WINDOWS = 2;

interface ScoredSentence {
  text: string;
  start: number;
  end: number;
  score: number;
  share: number;
}

/** The windows of the passage around its best sentences, best first; at least one. */
export function cutWindows(passage: DocumentPassage, question: AskedQuestion): PassageWindow[] {
  const { document, heading } = passage;
  const about = hasTellingTitle(document) ? `${document.title}\n${heading}` : heading;
  const sentences = scoreSentences(passage.text, about, question);
  const taken = new Set<ScoredSentence>();
  const windows: PassageWindow[] = [];
  while (windows.length < MAX_WINDOWS) {
    const anchor = bestOf(sentences.filter((sentence) => !taken.has(sentence)));
    if (anchor === undefined || (windows.length > 0 && anchor.share === 0)) break;
    const run = grow(anchor, sentences, taken);
    for (const sentence of run) taken.add(sentence);
    const text = passage.text.slice(run[0]?.start, run.at(-1)?.end);
    const around = `${about}\n${text}`;
    windows.push({
      passage,
      text,
      best: anchor.text,
      score: anchor.score,
      coverage: coverage(around, question),
      words: question.words.map(({ term }) => term).filter((term) => term.isIn(around)),
    });
  }
  return windows;
}

function scoreSentences(text: string, about: string, question: AskedQuestion): ScoredSentence[] {
  const sentences = splitSentences(text);
  let end = 0;
  return sentences.map((sentence, index) => {
    const start = text.indexOf(sentence, end);
    end = start + sentence.length;
    const next = sentences[index + 1] ?? "";
    const inContext = {
      sentence,
      context: refersBack(sentence) ? `${about}\n${sentences[index - 1] ?? ""}` : about,
      continuation: refersBack(next) ? next : "",
    };
    const score = scoreSentence(inContext, question);
    return { text: sentence, start, end, score, share: coverage(sentence, question) };
  });
}

/** The first sentence with the highest score. */
function bestOf(sentences: readonly ScoredSentence[]): ScoredSentence | undefined {
  return sentences.toSorted((a, b) => b.score - a.score)[0];
}

/** Adds the better neighbour, the next one among equals, until the window is full. */
function grow(
  anchor: ScoredSentence,
  sentences: readonly ScoredSentence[],
  taken: ReadonlySet<ScoredSentence>,
): ScoredSentence[] {
  let start = sentences.indexOf(anchor);
  let end = start + 1;
  const free = (index: number) => {
    const sentence = sentences[index];
    return sentence === undefined || taken.has(sentence) ? null : sentence;
  };
  for (;;) {
    const first = sentences[start] ?? anchor;
    const last = sentences[end - 1] ?? anchor;
    const before = free(start - 1);
    const next = free(end);
    // `This form` is named in the sentence before it.
    const isNeeded = before !== null && refersBack(first.text);
    const fits = (from: number, to: number) =>
      to - from <= MAX_WINDOW_CHARS && end - start < MAX_SENTENCES;
    const canPrepend = before !== null && (isNeeded || fits(before.start, last.end));
    const canAppend = next !== null && fits(first.start, next.end);
    if (canPrepend && (isNeeded || !canAppend || before.share > next.share)) start -= 1;
    else if (canAppend) end += 1;
    else return sentences.slice(start, end);
  }
}

/** Whether the sentence begins with a word for what the one before it is about. */
function refersBack(sentence: string): boolean {
  return /^(?:It|Its|This|That|These|Those|They|Their|He|His|She|Her|Such)\b/.test(sentence);
}
