import {
  isYear,
  splitIdentifier,
  splitWords,
  type Word,
  wordKey,
} from "../../sources/text/words.ts";
import { isFormatWord, isStopWord } from "../../sources/text/stop-words.ts";

/** How closely a term identifies what the question asks for. */
export type TermRole =
  /** The term is in the question itself. */
  | "asked"
  /** Names the output field that is to be filled. */
  | "field"
  /** Describes the output field; may replace its name. */
  | "described"
  /** Stands around the question, as a key of the input does: useful where it occurs, never required. */
  | "hint";

export interface Term {
  /** The word as written, for the search. */
  word: string;
  /** Compared with the words of a sentence. */
  key: string;
  /** Other words for it; they are searched for and compared as well. */
  synonyms: readonly string[];
  role: TermRole;
}

/** Names of which a sentence must be about one: `France and Germany` are two, `United Kingdom` is one of two words. */
export type NameGroup = readonly (readonly Term[])[];

export type ExpectedAnswer = "date" | "number" | "name" | null;

/** The units in which a number answers the question; null where any does. */
export type ExpectedUnits = ReadonlySet<string> | null;

/** A question, taken apart. */
export interface Question {
  /** In order, without stop words and repetitions. */
  terms: readonly Term[];
  /** The subject must match each group. */
  names: readonly NameGroup[];
  /** The object of `of` (`atomic number of silver`): a subject too, though it is not written like a name. */
  objects: readonly Term[];
  /** The kind of thing before a name (`the river Orla`): something else of that name is no subject. */
  kinds: readonly Term[];
  /**
   * The quantity in the question (`how many storeys`, `the salary of`): a sentence about another quantity is no answer.
   */
  wanted: readonly Term[];
  /** The years in the question: a sentence about another year is no answer. */
  years: readonly string[];
  /** Other numbers in the question. */
  numbers: readonly Term[];
  expects: ExpectedAnswer;
  units: ExpectedUnits;
}

/** A long text has more words than a question needs; each costs a search. */
const MAX_TERMS = 48;

/** A value this short that is written with capitals is a name: `United Kingdom`. */
const MAX_NAME_WORDS = 4;

export interface QuestionParts {
  /** Each asks something; single values of an input object are parts of their own. */
  asked: readonly string[];
  /** Words of the output field. */
  field?: string;
  description?: string;
  hints: readonly string[];
}

export function readQuestion({
  asked,
  field = "",
  description = "",
  hints,
}: QuestionParts): Question {
  const parts = asked.map(readPart);
  const fieldTerms = fieldWords(field);
  const hintTerms = [
    ...meaningfulTerms(description, "described"),
    ...hints.flatMap((hint) => meaningfulTerms(hint, "hint")),
  ];
  const terms = parts.flatMap((part) => part.terms);
  // A field that names its own year overrides the question's.
  const years =
    [yearsOf(fieldTerms), yearsOf(terms), yearsOf(hintTerms)].find((found) => found.length > 0) ??
    [];
  const isForeignYear = (term: Term) => isYear(term.key) && !years.includes(term.key);
  const all = [
    ...parts.flatMap((part) => part.names.flat(2)),
    ...fieldTerms,
    ...terms,
    ...hintTerms,
  ];
  return {
    terms: unique(all.filter((term) => !isForeignYear(term))).slice(0, MAX_TERMS),
    names: parts.flatMap((part) => part.names),
    objects: parts.flatMap((part) => part.objects),
    kinds: parts.flatMap((part) => part.kinds),
    wanted: asked.flatMap(readWanted),
    years,
    numbers: terms.filter((term) => /^\d/.test(term.key) && !isYear(term.key)),
    expects: expectedAnswer(asked.join("\n")),
    units: expectedUnits(asked.join("\n")),
  };
}

function yearsOf(terms: readonly Term[]): string[] {
  return [...new Set(terms.map((term) => term.key).filter(isYear))];
}

function unique(terms: readonly Term[]): Term[] {
  const byKey = new Map<string, Term>();
  for (const term of terms) if (!byKey.has(term.key)) byKey.set(term.key, term);
  return [...byKey.values()];
}

/** A field may be named by a format word alone (`currency`): then that is what it asks for. */
function fieldWords(field: string): Term[] {
  const terms = meaningfulTerms(field, "field");
  if (terms.length > 0) return terms;
  return splitWords(splitIdentifier(field))
    .filter(({ text }) => !isStopWord(text))
    .map((word) => toTerm(word, "field"));
}

function meaningfulTerms(text: string, role: TermRole): Term[] {
  return splitWords(splitIdentifier(text))
    .filter(({ text: word }) => !isStopWord(word) && !isFormatWord(word))
    .map((word) => toTerm(word, role));
}

const AFTER_OF = /\bof\s+(?:(?:the|an?)\s+)?$/i;
const AFTER_THE = /\bthe\s+$/i;

interface ReadPart extends Pick<Question, "terms" | "names" | "objects" | "kinds"> {}

function readPart(text: string): ReadPart {
  const words = splitWords(text);
  const isName = nameDetector(text, words);
  const kept = words.filter((word) => isName(word) || !isStopWord(word.text));
  return {
    terms: kept.map((word) => toTerm(word, "asked")),
    names: groupNames(text, kept.filter(isName)),
    objects: kept
      .filter((word) => !isName(word) && !/^\d/.test(word.text))
      .filter((word) => AFTER_OF.test(textBefore(text, word)))
      .map((word) => toTerm(word, "asked")),
    kinds: kept
      .filter((word, at) => {
        const next = kept[at + 1];
        const end = word.start + word.text.length;
        return !isName(word) && next !== undefined && isName(next) && next.start === end + 1;
      })
      .filter((word) => AFTER_THE.test(textBefore(text, word)))
      .map((word) => toTerm(word, "asked")),
  };
}

/** People are counted under many names: as employees, members, inhabitants. */
const COUNTED = /\bhow many (?<noun>\p{L}+s)\b/giu;
const MEASURED = /\bwhat (?:is|was|are|were) the (?:[\p{L}-]+ ){0,2}?(?<noun>\p{L}+) of\b/giu;

function readWanted(text: string): Term[] {
  return [...text.matchAll(COUNTED), ...text.matchAll(MEASURED)]
    .flatMap((match) => splitWords(match.groups?.["noun"] ?? ""))
    .filter(({ text: noun }) => !isStopWord(noun) && !isFormatWord(noun))
    .map((noun) => toTerm(noun, "asked"));
}

function toTerm({ text, key }: Word, role: TermRole): Term {
  const [, ...synonyms] = withSynonyms(text);
  return { word: text, key, synonyms, role };
}

/** Capitals mark names, except at the beginning of a sentence and in texts that are all in capitals. */
function nameDetector(text: string, words: readonly Word[]): (word: Word) => boolean {
  const content = words.filter((word) => !isStopWord(word.text) && !/^\d/.test(word.text));
  const isName =
    words.length <= MAX_NAME_WORDS && content.length > 0 && content.every(isCapitalized);
  if (isName) return (word) => content.includes(word);

  const begins = (word: Word) =>
    word.start === words[0]?.start || /[.?!:\n"“]\s*$/.test(textBefore(text, word));
  const hasSmallLetters = words.some((word) => !begins(word) && /^\p{Ll}/u.test(word.text));
  if (!hasSmallLetters) return () => false;
  return (word) =>
    (isAcronym(word.text) || (isCapitalized(word) && !begins(word))) &&
    (isAmbiguousAcronym(word.text) || !isStopWord(word.text));
}

/** The few characters that decide what a word follows; reading all before it takes seconds in a text of 20,000 characters. */
function textBefore(text: string, word: Word): string {
  return text.slice(Math.max(0, word.start - 16), word.start);
}

function isCapitalized(word: Word): boolean {
  return /^\p{Lu}/u.test(word.text);
}

function isAcronym(word: string): boolean {
  return /^\p{Lu}[\p{Lu}\d]+$/u.test(word);
}

/**
 * Acronyms that count as names although the words `who`, `us` and `it` are meaningless. Other words in capitals (`NOT`)
 * are only emphasised.
 */
export function isAmbiguousAcronym(word: string): boolean {
  return ["WHO", "US", "IT"].includes(word);
}

const SAME_NAME = /^[\s\-–.]*$/;
const ANOTHER_NAME =
  /^(?:['’]s)?\s*(?:,|\/|&|(?:,\s*)?\b(?:and|or|vs\.?|versus)\b)\s*(?:the\s+)?$/i;

function groupNames(text: string, words: readonly Word[]): NameGroup[] {
  const groups: Term[][][] = [];
  let end = 0;
  for (const word of words) {
    const between = text.slice(end, word.start);
    const group = groups.at(-1);
    const phrase = group?.at(-1);
    if (group !== undefined && phrase !== undefined && SAME_NAME.test(between))
      phrase.push(toTerm(word, "asked"));
    else if (group !== undefined && ANOTHER_NAME.test(between)) group.push([toTerm(word, "asked")]);
    else groups.push([[toTerm(word, "asked")]]);
    end = word.start + word.text.length;
  }
  return groups;
}

const LENGTHS = new Set(["km", "m", "cm", "mm", "ft", "mile"]);

/** Other questions of amount are answered in too many ways: `how long` by metres, hours or pages. */
function expectedUnits(text: string): ExpectedUnits {
  return /\bhow (?:high|tall|deep|wide)\b|\bwhat is the (?:height|depth|width|diameter)\b/i.test(
    text,
  )
    ? LENGTHS
    : null;
}

function expectedAnswer(text: string): ExpectedAnswer {
  if (/\bwhen\b|\b(?:what|which) (?:year|date|day)\b/i.test(text)) return "date";
  if (/\bhow (?:many|much|high|tall|large|big|old|long|far|fast|heavy|deep)\b/i.test(text))
    return "number";
  if (
    /\bthe (?:height|length|depth|width|diameter|area|distance|weight|speed|population)\b/i.test(
      text,
    )
  )
    return "number";
  // Case matters: `WHO` is a name.
  return /\b[Ww]ho\b/.test(text) ? "name" : null;
}

/**
 * Words that questions and documents use for the same thing. Only words that ask for
 * facts of any kind are listed: the vocabulary of a subject differs from folder to folder.
 */
const GROUPS: readonly (readonly string[])[] = [
  ["founded", "established", "created", "formed", "started", "inception"],
  ["population", "inhabitants"],
  ["height", "high", "tall", "elevation", "highest", "tallest"],
  ["length", "long", "longest"],
  ["size", "big", "large", "biggest", "largest"],
  ["distance", "far"],
  ["age", "old", "oldest"],
  ["depth", "deep", "deepest"],
  ["weight", "heavy", "mass", "heaviest", "weigh"],
  ["speed", "fast", "velocity", "fastest"],
  ["temperature", "hot", "cold"],
  ["price", "cost", "expensive"],
  ["won", "win", "winner", "winners", "awarded"],
  ["headquarters", "headquartered", "seat"],
];

const BY_KEY = new Map(
  GROUPS.flatMap((group) => group.map((word) => [wordKey(word), group] as const)),
);

/** The synonyms of a word, itself first. */
function withSynonyms(word: string): string[] {
  const key = wordKey(word);
  const others = BY_KEY.get(key) ?? [];
  return [word, ...others.filter((other) => wordKey(other) !== key)];
}
