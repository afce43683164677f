import { isSpaceless, isYear, readWords, type Word, wordKey } from "../../sources/text/words.ts";
import { meetsExpectation, saysSomethingNew, yearsIn } from "./expected-answer.ts";
import { isAmbiguousAcronym, type Question, type Term } from "./question.ts";
import { EXPECTATION_WEIGHT, type WeightedQuestion } from "./weigh-question.ts";

/** A sentence and the text around it that shows its subject. */
export interface SentenceInContext {
  sentence: string;
  /** Title, headings, and what the sentence before is about when this one has a pronoun. */
  context: string;
  /** How the document introduces itself. */
  lead: string;
}

/**
 * The weights below were tuned on the example documents: the right figure comes first, near misses (another year,
 * another country) and unrelated questions get no answer. They are shares of 1, the score of a sentence that matches
 * everything.
 */
const WEIGHTS = {
  /** A word in the title or heading instead of the sentence. */
  context: 0.85,
  /** A word of a name that only the first sentence of the document has. */
  lead: 0.7,
  /** A sentence about another year or without the year. */
  otherYear: 0.1,
  /** A sentence about several years, when the question names one. */
  moreYears: 0.92,
  /** A missing number that is not a year; it may count what the answer lists (`top 5`). */
  otherNumber: 0.5,
  /** No word of the question in the sentence itself. */
  onlyContext: 0.5,
  /** No word of the question either, but a number in the requested unit: `Its summit lies at 8,849 metres`. */
  onlyContextInUnit: 0.75,
  /** Only the first sentence of the document has the name. */
  introduced: 0.85,
  /** The sentence lacks the expected kind of answer. */
  unmet: 0.85,
  /** Only one of several ordinary words matches. */
  oneWord: 0.7,
  /** Nothing shows that the subject is of the kind in the question. */
  otherKind: 0.6,
  /** The quantity to be counted or measured is not mentioned. */
  otherQuantity: 0.6,
  /** The words of a name are there, but nowhere two of them beside each other. */
  scatteredName: 0.6,
  /** Only the subject's name matches; the factor is milder when the expected kind of answer is there. */
  otherFact: 0.5,
  perhapsOtherFact: 0.65,
  /** The words of the field are missing: then it is another fact about the same subject. */
  otherField: 0.3,
  /** The title or heading names the subject. */
  aboutSubject: 1.15,
  /** The sentence adds nothing to the question. */
  nothingNew: 0.9,
} as const;

/** Sentences below this match about half of the question, which is usually another subject. Tuned on the examples. */
export const MIN_SCORE = 0.5;

/**
 * How well the sentence answers the question: about 0 to 1, where 1 matches everything. A sentence that is certain to
 * stay below {@link MIN_SCORE} gets 0 at once: this ends the work on most sentences of a folder.
 */
export function scoreSentence(text: SentenceInContext, question: WeightedQuestion): number {
  if (question.weights.size === 0) return 0;
  const inSentence = createMatcher(text.sentence);
  const inTitle = createMatcher(text.context);
  const inLead = createMatcher(text.lead);
  // A document introduces its subject once; other words of its first sentence say little about those that follow.
  const inContext: Matcher = (term) =>
    inTitle(term) || (question.nameKeys.has(term.key) && inLead(term));

  const { inText, near } = matchWeight(question, inSentence, inTitle);
  const { near: introduced } = matchWeight(question, inSentence, inContext);
  let matched = inText + near * WEIGHTS.context + (introduced - near) * WEIGHTS.lead;
  if (matched === 0) return 0;
  const isExpected = meetsExpectation(text.sentence, question);
  if (isExpected) matched += EXPECTATION_WEIGHT;

  const isNear: Matcher = (term) => inSentence(term) || inContext(term);
  const share = Math.min(1, matched / question.fullWeight);
  const subject = nameFactor(question, isNear);
  // One factor alone is above 1.
  if (share * subject * WEIGHTS.aboutSubject < MIN_SCORE) return 0;
  const factors = [
    share,
    inText === 0 ? onlyContextWeight(question, isExpected) : 1,
    subject,
    namesStandTogether(text, question) ? 1 : WEIGHTS.scatteredName,
    yearFactor(text, question),
    ...question.numbers.map((number) => (isNear(number) ? 1 : WEIGHTS.otherNumber)),
    factFactor(question, isNear, isExpected),
    fieldFactor(question, isNear),
    question.names.length > 0 && nameFactor(question, inTitle) === 1 ? WEIGHTS.aboutSubject : 1,
    nameFactor(question, (term) => inSentence(term) || inTitle(term)) === 1
      ? 1
      : WEIGHTS.introduced,
    isExpected || question.expects === null ? 1 : WEIGHTS.unmet,
    ...question.kinds.map((kind) => (isNear(kind) || inLead(kind) ? 1 : WEIGHTS.otherKind)),
    ...question.wanted.map((noun) => (isNear(noun) ? 1 : WEIGHTS.otherQuantity)),
    restsOnOneWord(question, isNear) ? WEIGHTS.oneWord : 1,
    saysSomethingNew(text.sentence, question) ? 1 : WEIGHTS.nothingNew,
  ];
  return factors.reduce((product, factor) => product * factor, 1);
}

function onlyContextWeight({ units }: Question, isExpected: boolean): number {
  return units !== null && isExpected ? WEIGHTS.onlyContextInUnit : WEIGHTS.onlyContext;
}

/** `Cook lasagne` is not answered by every sentence about cooking. */
function restsOnOneWord(question: WeightedQuestion, matches: Matcher): boolean {
  if (question.names.length > 0) return false;
  const asked = question.terms.filter(({ role, key }) => role === "asked" && !isYear(key));
  return asked.length > 1 && asked.filter(matches).length === 1;
}

/** Whether of each name with several words two stand beside each other: `the Hadder range` is not `Mount Hadder`. */
function namesStandTogether(text: SentenceInContext, { names }: Question): boolean {
  const long = names.flat().filter((name) => name.length > 1);
  if (long.length === 0) return true;
  const texts = [text.sentence, text.context, text.lead].map((part) => readWords(part).words);
  return names.every(
    (group) =>
      group.some((name) => name.length === 1) ||
      group.some((name) => texts.some((words) => hasPair(words, name))),
  );
}

function hasPair(words: readonly Word[], name: readonly Term[]): boolean {
  return words.some(({ key }, at) =>
    name.some(
      (term, of) =>
        term.key === key && name[of + 1]?.key === words[at + 1]?.key && of + 1 < name.length,
    ),
  );
}

/** The weight of what the sentence itself matches, and of what only its context matches. */
function matchWeight(question: WeightedQuestion, inSentence: Matcher, inContext: Matcher) {
  const total = { inText: 0, near: 0 };
  /** One of several alternatives is enough: a sentence that lists them all says no more about any. */
  const isNear: Matcher = (term) => inSentence(term) || inContext(term);
  for (const { group, weight } of question.alternatives) {
    if (group.some((words) => words.every(inSentence))) total.inText += weight;
    else if (group.some((words) => words.every(isNear))) total.near += weight;
  }
  for (const { term, weight } of question.single) {
    if (inSentence(term)) total.inText += weight;
    else if (inContext(term)) total.near += weight;
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

/** Falls with the square of the weight of the missing names: a sentence about another country is no answer. */
function nameFactor(question: WeightedQuestion, matches: Matcher): number {
  let total = 0;
  let missing = 0;
  for (const { group, weight } of question.subjects) {
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

/** A question that is nothing but names asks for any fact; of several names one is the fact (`GDP of France`). */
function factFactor(question: WeightedQuestion, matches: Matcher, isExpected: boolean): number {
  const others = question.terms.filter(
    ({ role, key }) =>
      (role === "asked" || role === "field") && !question.nameKeys.has(key) && !isYear(key),
  );
  if (others.length === 0 || question.names.length > 1 || others.some(matches)) return 1;
  return isExpected ? WEIGHTS.perhapsOtherFact : WEIGHTS.otherFact;
}

/** Requires at least half of the field's name, by weight, or most words of its description. */
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
