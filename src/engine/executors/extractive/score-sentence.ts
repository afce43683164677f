import type { QueryTerm } from "../../sources/source.ts";
import { isStopWord } from "../../sources/text/stop-words.ts";
import { isYear, readWords, splitWords } from "../../sources/text/words.ts";

/** A question as sentences are compared with it. */
export interface AskedQuestion {
  /** Its words, each with its share of the question: rare words have more of it; together 1. */
  words: readonly WeightedWord[];
  /** The years it names: a sentence about another year is beside the question. */
  years: readonly string[];
  /** Its other numbers. */
  numbers: readonly QueryTerm[];
  names: readonly WeightedWord[];
  /** Names of several words, in small letters. */
  phrases: readonly string[];
  expects: ExpectedKind;
}

interface WeightedWord {
  term: QueryTerm;
  share: number;
}

/** The kind of answer that the question asks for; null where any will do. */
type ExpectedKind = "date" | "number" | null;

/** A sentence, and the text around it that says what it is about. */
export interface SentenceInContext {
  sentence: string;
  /** Title, headings, and the sentence before where this one refers to it. */
  context: string;
  /** The sentence after, where it refers to this one; else empty. */
  continuation: string;
}

/** What the score of a sentence is multiplied by. */
const FACTORS = {
  /** A word that only the context has: the sentence is about it, but may say something else of it. */
  context: 0.8,
  /** No word of the question in the sentence itself. */
  onlyContext: 0.6,
  otherYear: 0.3,
  otherNumber: 0.5,
  /** No name of the question: most likely another subject. */
  noName: 0.3,
  /** The words of a name, but not beside each other: `the Arlo range` is not `Mount Arlo`. */
  scatteredName: 0.6,
  /** No date after `when`, no number after `how many`. */
  otherKind: 0.7,
  /** A question answers nothing. */
  question: 0.5,
} as const;

/** A sentence with this score has about every telling word of the question, and nothing speaks against it. */
export const CLEAR_SCORE = 0.5;

/** Weighs the words of a question. A word that occurs nowhere weighs most: no sentence says it. */
export function weighWords(
  text: string,
  terms: readonly QueryTerm[],
  passageCount: number,
): AskedQuestion {
  const unknown = Math.log(1 + 2 * (passageCount + 0.5));
  const weights = terms.map(({ weight, passages }) => (passages === 0 ? unknown : weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const words = terms.map((term, index) => ({ term, share: (weights[index] ?? 0) / total }));
  const phrases = namesIn(text);
  const names = new Set(phrases.flat());
  return {
    words,
    years: yearsIn(text),
    numbers: terms.filter(({ word }) => /^\d/.test(word) && !isYear(word)),
    names: words.filter(({ term }) => names.has(term.word)),
    phrases: phrases.filter(({ length }) => length > 1).map((name) => name.join(" ").toLowerCase()),
    expects: expectedKind(text),
  };
}

/** How well the sentence answers the question: 0 to 1, where 1 has all of it. */
export function scoreSentence(text: SentenceInContext, question: AskedQuestion): number {
  const { sentence, context, continuation } = text;
  const isNear = (term: QueryTerm) => term.isIn(sentence) || term.isIn(context);
  let covered = 0;
  let isMentioned = false;
  for (const { term, share } of question.words) {
    const isInSentence = term.isIn(sentence);
    isMentioned ||= isInSentence;
    covered += isInSentence ? share : term.isIn(context) ? share * FACTORS.context : 0;
  }
  const factors = [
    isMentioned ? 1 : FACTORS.onlyContext,
    yearFactor(text, question),
    nameFactor(question, isNear),
    question.phrases.every((name) => `${context}\n${sentence}`.toLowerCase().includes(name))
      ? 1
      : FACTORS.scatteredName,
    question.numbers.every(isNear) ? 1 : FACTORS.otherNumber,
    isExpected(`${sentence} ${continuation}`, question) ? 1 : FACTORS.otherKind,
    /[?？]\s*$/.test(sentence) ? FACTORS.question : 1,
  ];
  return factors.reduce((product, factor) => product * factor, covered);
}

/** The share of the question that the text has. */
export function coverage(text: string, { words }: AskedQuestion): number {
  return words.reduce((sum, { term, share }) => (term.isIn(text) ? sum + share : sum), 0);
}

function yearFactor({ sentence, context }: SentenceInContext, { years }: AskedQuestion): number {
  if (years.length === 0) return 1;
  const own = yearsIn(sentence);
  const stated = own.length > 0 ? own : yearsIn(context);
  return stated.length === 0 || stated.some((year) => years.includes(year)) ? 1 : FACTORS.otherYear;
}

function nameFactor({ names }: AskedQuestion, isNear: (term: QueryTerm) => boolean): number {
  if (names.length === 0) return 1;
  const total = names.reduce((sum, { share }) => sum + share, 0);
  const near = names.reduce((sum, { term, share }) => (isNear(term) ? sum + share : sum), 0);
  return Math.max(FACTORS.noName, near / total);
}

function isExpected(sentence: string, { expects, years, numbers }: AskedQuestion): boolean {
  switch (expects) {
    case null:
      return true;
    case "date":
      return yearsIn(sentence).some((year) => !years.includes(year));
    case "number":
      return readWords(sentence).words.some(
        ({ text, key }) =>
          /^\d/.test(text) && !years.includes(key) && !numbers.some(({ isIn }) => isIn(text)),
      );
  }
}

function expectedKind(text: string): ExpectedKind {
  if (/\bwhen\b|\b(?:what|which) (?:year|date|day)\b/i.test(text)) return "date";
  const amount = /\bhow (?:many|much|high|tall|large|big|old|long|far|fast|heavy|deep|wide)\b/i;
  return amount.test(text) ? "number" : null;
}

/**
 * The names in a question, word by word: words with a capital inside a sentence, and acronyms. A question that is all in
 * capitals shows none.
 */
function namesIn(text: string): string[][] {
  if (!/\p{Ll}/u.test(text)) return [];
  const names: string[][] = [];
  let end = -1;
  for (const { text: word, start } of splitWords(text)) {
    if (!isNamed(text, word, start)) continue;
    if (/^[ -]$/.test(text.slice(end, start))) names.at(-1)?.push(word);
    else names.push([word]);
    end = start + word.length;
  }
  return names;
}

function isNamed(text: string, word: string, start: number): boolean {
  if (/^\p{Lu}[\p{Lu}\d]+$/u.test(word)) return true;
  return /^\p{Lu}/u.test(word) && !beginsSentence(text, start) && !isStopWord(word);
}

function beginsSentence(text: string, start: number): boolean {
  return /(?:^|[.?!:\n"“])\s*$/.test(text.slice(0, start).slice(-16));
}

/** The years of a text, in order. */
function yearsIn(text: string): string[] {
  return readWords(text)
    .words.map(({ key }) => key)
    .filter(isYear);
}
