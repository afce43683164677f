import type { DocumentSearch } from "../../sources/search-documents.ts";
import { isSpaceless, readWords, wordKey } from "../../sources/words.ts";
import {
  isAmbiguousAcronym,
  isYear,
  type NameGroup,
  type Question,
  type Term,
} from "./question.ts";
import { findDates, findNumbers } from "./values.ts";

/** A sentence and what surrounds it, as far as it tells what the sentence is about. */
export interface SentenceInContext {
  sentence: string;
  /** Title, headings, and what the sentence before is about when this one has a pronoun. */
  context: string;
  /** How the document introduces itself. */
  lead: string;
}

/** A question with the weight of each of its words in this folder. */
export interface WeightedQuestion extends Question {
  weights: ReadonlyMap<string, number>;
  /** What a sentence that matches everything reaches. */
  fullWeight: number;
}

/**
 * The weights below were set on the example documents: the right figure first, near misses (another year, another
 * country) and unrelated questions refused. They are shares of 1, the score of a sentence that matches everything.
 */
const WEIGHTS = {
  /** A word in the title or heading instead of the sentence. */
  context: 0.85,
  /** A word of a name that only the first sentence of the document has. */
  lead: 0.7,
  hint: 0.5,
  /** Whether the sentence holds the kind of answer that was asked for: a date, a number, a name. */
  expectation: 1.5,
  /** A sentence about another year or without the year. */
  otherYear: 0.1,
  /** A sentence about several years of which one was asked for. */
  moreYears: 0.92,
  /** A missing number that is not a year; it may count what the answer lists (`top 5`). */
  otherNumber: 0.6,
  /** No word of the question in the sentence itself. */
  onlyContext: 0.5,
  /** Nothing but the subject's name matches; less so when the kind of answer that was asked for is there. */
  otherFact: 0.5,
  perhapsOtherFact: 0.65,
  /** The words of the field are missing: then it is another fact about the same subject. */
  otherField: 0.3,
  /** The title or heading names the subject. */
  aboutSubject: 1.15,
  /** The sentence says nothing that the question does not say. */
  nothingNew: 0.9,
} as const;

/**
 * An ordinary word that occurs nowhere in the folder may be filler, or a synonym of one that does, so such words must
 * not decide alone: less so beside a name, which tells better whether the documents are about the subject.
 */
const UNKNOWN_WORDS = { each: 3, together: 5, togetherBesideNames: 2 } as const;

/** Long questions cannot be covered by one sentence: only so many of the weightiest words are expected of it. */
const MAX_EXPECTED_TERMS = 8;

/** Asks the index how telling each word is. */
export async function weighQuestion(
  question: Question,
  search: DocumentSearch,
): Promise<WeightedQuestion> {
  const counts = new Map<string, number>();
  for (const term of question.terms) {
    counts.set(term.key, await search.countPassages([term.word, ...term.synonyms]));
  }
  const isUnknown = (term: Term) => counts.get(term.key) === 0;
  // Beside a name, the object of `of` may be just another word for what the document says.
  const objects = question.names.length > 0 ? question.objects.filter(isUnknown) : question.objects;
  const names = [...question.names, ...objects.map((term) => [[term]])];

  const nameKeys = new Set(names.flat(2).map((term) => term.key));
  const mayDecide = (term: Term) => !isUnknown(term) || nameKeys.has(term.key);
  const undecided = question.terms.filter((term) => !mayDecide(term) && !isHint(term)).length;
  const together = names.length > 0 ? UNKNOWN_WORDS.togetherBesideNames : UNKNOWN_WORDS.together;
  const maxUnknown = Math.min(UNKNOWN_WORDS.each, together / Math.max(1, undecided));

  const weights = new Map<string, number>();
  for (const term of question.terms) {
    if (isUnknown(term) && isHint(term)) continue;
    const rarity = inverseFrequency(counts.get(term.key) ?? 0, search.passageCount);
    const weight = mayDecide(term) ? rarity : Math.min(rarity, maxUnknown);
    weights.set(term.key, isHint(term) ? weight * WEIGHTS.hint : weight);
  }
  return { ...question, names, weights, fullWeight: expectedWeight(question, names, weights) };
}

function isHint(term: Term): boolean {
  return term.role === "hint" || term.role === "described";
}

/** Of names that are alternatives, one is enough. */
function expectedWeight(
  question: Question,
  names: readonly NameGroup[],
  weights: ReadonlyMap<string, number>,
): number {
  const alternatives = names.filter((group) => group.length > 1);
  const optional = new Set(alternatives.flat(2).map((term) => term.key));
  const required = [...weights].flatMap(([key, weight]) => (optional.has(key) ? [] : [weight]));
  const groups = alternatives.map((group) => weighAlternatives(group, weights));
  const heaviest = [...required, ...groups].toSorted((a, b) => b - a).slice(0, MAX_EXPECTED_TERMS);
  return sum(heaviest) + (question.expects === null ? 0 : WEIGHTS.expectation);
}

/** What a group of alternative names weighs, whichever of them is met: a rare country is not a better answer. */
function weighAlternatives(group: NameGroup, weights: ReadonlyMap<string, number>): number {
  const weigh = (name: readonly Term[]) => sum(name.map((term) => weights.get(term.key) ?? 0));
  return Math.max(...group.map(weigh));
}

/** The idf of BM25. */
function inverseFrequency(count: number, total: number): number {
  return Math.log(1 + (total - count + 0.5) / (count + 0.5));
}

/** How well the sentence answers the question: about 0 to 1, where 1 matches everything. */
export function scoreSentence(text: SentenceInContext, question: WeightedQuestion): number {
  if (question.weights.size === 0) return 0;
  const inSentence = createMatcher(text.sentence);
  const inTitle = createMatcher(text.context);
  const inLead = createMatcher(text.lead);
  // A document introduces its subject once; other words of its first sentence say little about those that follow.
  const names = new Set(question.names.flat(2).map((term) => term.key));
  const inContext: Matcher = (term) => inTitle(term) || (names.has(term.key) && inLead(term));

  const { inText, near } = matchWeight(question, inSentence, inTitle);
  const { near: introduced } = matchWeight(question, inSentence, inContext);
  let matched = inText + near * WEIGHTS.context + (introduced - near) * WEIGHTS.lead;
  if (matched === 0) return 0;
  const isExpected = meetsExpectation(text.sentence, question);
  if (isExpected) matched += WEIGHTS.expectation;

  const isNear = (term: Term) => inSentence(term) || inContext(term);
  const factors = [
    Math.min(1, matched / question.fullWeight),
    inText === 0 ? WEIGHTS.onlyContext : 1,
    nameFactor(question, isNear),
    yearFactor(text, question),
    ...question.numbers.map((number) => (isNear(number) ? 1 : WEIGHTS.otherNumber)),
    factFactor(question, isNear, isExpected),
    fieldFactor(question, isNear),
    question.names.length > 0 && nameFactor(question, inContext) === 1 ? WEIGHTS.aboutSubject : 1,
    saysSomethingNew(text.sentence, question) ? 1 : WEIGHTS.nothingNew,
  ];
  return factors.reduce((product, factor) => product * factor, 1);
}

/** The weight of what the sentence itself matches, and of what only its context matches. */
function matchWeight(question: WeightedQuestion, inSentence: Matcher, inContext: Matcher) {
  const total = { inText: 0, near: 0 };
  /** Of alternatives one counts: a sentence that lists them all says no more about any. */
  const add = (alternatives: NameGroup, weight: number) => {
    const isNear: Matcher = (term) => inSentence(term) || inContext(term);
    if (alternatives.some((words) => words.every(inSentence))) total.inText += weight;
    else if (alternatives.some((words) => words.every(isNear))) total.near += weight;
  };
  const groups = question.names.filter((group) => group.length > 1);
  for (const group of groups) add(group, weighAlternatives(group, question.weights));
  const counted = new Set(groups.flat(2).map((term) => term.key));
  for (const term of question.terms) {
    if (!counted.has(term.key)) add([[term]], question.weights.get(term.key) ?? 0);
  }
  return total;
}

type Matcher = (term: Term) => boolean;

function createMatcher(text: string): Matcher {
  const { keys, spellings } = readWords(text);
  return (term) => {
    if (isSpaceless(term.word)) return text.includes(term.word);
    // `WHO` is not the `who` of a relative clause.
    if (isAmbiguousAcronym(term.word)) return spellings.has(term.word);
    return keys.has(term.key) || term.synonyms.some((word) => keys.has(wordKey(word)));
  };
}

/** Falls quickly with the weight of the names that are missing: another country is no answer. */
function nameFactor(question: WeightedQuestion, matches: Matcher): number {
  let total = 0;
  let missing = 0;
  for (const group of question.names) {
    const weight = Math.max(...group.flat().map((term) => question.weights.get(term.key) ?? 0));
    total += weight;
    if (!group.some((name) => name.every(matches))) missing += weight;
  }
  return total === 0 ? 1 : (1 - missing / total) ** 2;
}

/** Whether the text is about what the question names. */
export function mentionsNames(question: WeightedQuestion, text: string): boolean {
  return nameFactor(question, createMatcher(text)) === 1;
}

export function mentions(text: string, term: Term): boolean {
  return createMatcher(text)(term);
}

function yearFactor({ sentence, context }: SentenceInContext, question: Question): number {
  if (question.years.length === 0) return 1;
  const own = yearsIn(sentence);
  const stated = own.length > 0 ? own : yearsIn(context);
  if (!stated.some((year) => question.years.includes(year))) return WEIGHTS.otherYear;
  return own.every((year) => question.years.includes(year)) ? 1 : WEIGHTS.moreYears;
}

export function yearsIn(text: string): string[] {
  return readWords(text)
    .words.map((word) => word.key)
    .filter(isYear);
}

/** A question that is nothing but names asks for any fact; of several names one is the fact (`GDP of France`). */
function factFactor(question: WeightedQuestion, matches: Matcher, isExpected: boolean): number {
  const names = new Set(question.names.flat(2).map((term) => term.key));
  const others = question.terms.filter(
    (term) =>
      (term.role === "asked" || term.role === "field") && !names.has(term.key) && !isYear(term.key),
  );
  if (others.length === 0 || question.names.length > 1 || others.some(matches)) return 1;
  return isExpected ? WEIGHTS.perhapsOtherFact : WEIGHTS.otherFact;
}

/** At least half of the field's name must be there, by weight, or most words of its description. */
function fieldFactor(question: WeightedQuestion, matches: Matcher): number {
  const termsOf = (role: Term["role"]) =>
    question.terms.filter((term) => term.role === role && !isYear(term.key));
  const field = termsOf("field");
  if (field.length === 0) return 1;
  const weigh = (terms: readonly Term[]) =>
    sum(terms.map((term) => question.weights.get(term.key) ?? 0));
  if (weigh(field.filter(matches)) >= weigh(field) / 2) return 1;
  const described = termsOf("described");
  return described.filter(matches).length > described.length / 2 ? 1 : WEIGHTS.otherField;
}

function meetsExpectation(sentence: string, question: WeightedQuestion): boolean {
  switch (question.expects) {
    case null:
      return false;
    case "date":
      return (
        findDates(sentence).length > 0 || yearsIn(sentence).some((y) => !question.years.includes(y))
      );
    case "number":
      return findNumbers(sentence).some(
        ({ value, unit }) =>
          !isAskedNumber(question, String(value)) &&
          (question.units === null || (unit !== null && question.units.has(unit))),
      );
    case "name":
      return hasNewName(sentence, question);
  }
}

function saysSomethingNew(sentence: string, question: WeightedQuestion): boolean {
  return (
    hasNewName(sentence, question) ||
    readWords(sentence).words.some(
      ({ key }) =>
        /^\d/.test(key) && !question.years.includes(key) && !isAskedNumber(question, key),
    )
  );
}

function hasNewName(sentence: string, question: WeightedQuestion): boolean {
  return readWords(sentence).words.some(
    ({ text, key }, index) =>
      index > 0 && !question.weights.has(key) && /^\p{Lu}\p{Ll}/u.test(text),
  );
}

export function isAskedNumber(question: Question, number: string): boolean {
  return question.numbers.some((term) => term.key === number);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
