import { findDates } from "../../sources/text/dates.ts";
import { splitSentences } from "../../sources/text/sentences.ts";
import { isFormatWord, isStopWord } from "../../sources/text/stop-words.ts";
import {
  isYear,
  readWords,
  splitIdentifier,
  splitWords,
  wordKey,
} from "../../sources/text/words.ts";
import type { DocumentPassage, QueryTerm } from "../../sources/source.ts";
import { findUnit } from "./values.ts";

/** A cell of a table row, or a list item such as `Headquarters: Geneva`. */
export interface Cell {
  name: string;
  value: string;
}

/** A sentence or row, and what around it says what it is about. */
export interface Statement {
  text: string;
  /** The path of headings above it. */
  heading: string;
  /** Title, headings, and for a pronoun the sentence before. */
  context: string;
  /** Null for a sentence. */
  cells: readonly Cell[] | null;
  passage: DocumentPassage;
}

/** The sentences and rows of a passage. */
export function readStatements(passage: DocumentPassage): Statement[] {
  const { document, heading } = passage;
  const about = `${document.title}\n${heading}`;
  return passage.text.split("\n").flatMap((line) => {
    let antecedent = "";
    // A cell may have several sentences.
    const isRow = (readCells(line)?.length ?? 0) > 1;
    return (isRow ? [line] : splitSentences(line)).map((text) => {
      const context = PRONOUN.test(text) ? `${about}\n${antecedent}` : about;
      antecedent = text.split(" ").slice(0, SUBJECT_WORDS).join(" ");
      return { text, heading, context, cells: readCells(text), passage };
    });
  });
}

/** A pronoun refers to the subject of the sentence before, with which it begins, not to what else it names. */
const SUBJECT_WORDS = 6;

/** Capitals distinguish the acronym `IT` from a pronoun. */
const PRONOUN = /\b(?:[Ii]ts?|[Hh]e|[Hh]is|[Ss]he|[Hh]er|[Tt]hey|[Tt]heir|[Tt]his)\b/;

function readCells(text: string): Cell[] | null {
  const parts = text.split("; ");
  const cells: Cell[] = [];
  for (const part of parts) {
    const [, name, value] = /^([^:;.!?]{1,60}): (.+)$/.exec(part) ?? [];
    const last = cells.at(-1);
    if (name !== undefined && value !== undefined) cells.push({ name, value });
    else if (last === undefined) break;
    // A cell may have a semicolon itself.
    else last.value += `; ${part}`;
  }
  if (cells.length === parts.length || cells.length > 1) return cells;
  // A table without names of columns has them in its first column.
  const [name = "", value = ""] = parts;
  return parts.length === 2 && name.length <= 60 && !/[.!?]$/.test(text) ? [{ name, value }] : null;
}

/** What a question is about. A value of something else is no answer, however well its field fits. */
export interface Subject {
  /** Each must be named. */
  names: readonly Name[];
  /** Of `names`, those in one enumeration (`Bhutan and Mongolia`). */
  series: readonly Name[];
  /** `YYYY-MM-DD`. */
  dates: readonly string[];
  years: readonly string[];
}

export interface Name {
  text: string;
  terms: readonly QueryTerm[];
}

/** Longer texts are sentences, in which only names and rare words are the subject. */
const MAX_TITLE_WORDS = 5;
/** A word with this share of the weight of the rarest one is a subject too where nothing is written like a name. */
const RARE = 0.6;

/** The subject of a question, which is all that the field itself (`own`) does not say. */
export function readSubject(
  asked: readonly string[],
  terms: readonly QueryTerm[],
  own: readonly string[],
  isTitle: (word: string) => boolean,
): Subject {
  const dates = asked.flatMap(findDates).map(({ iso }) => iso);
  const names: Name[] = [];
  const series: Name[] = [];
  const others: QueryTerm[] = [];
  const years: string[] = [];
  for (const text of asked) {
    const spans = findDates(text);
    const words = splitWords(text).filter(
      ({ start }) => !spans.some((date) => date.start <= start && start < date.end),
    );
    const isShort = words.length <= MAX_TITLE_WORDS && !text.includes("?");
    let last: { name: Name & { terms: QueryTerm[] }; end: number } | null = null;
    for (const [at, word] of words.entries()) {
      const term = terms.find((one) => one.word === word.text);
      const end = word.start + word.text.length;
      if (isYear(word.text)) years.push(word.text);
      if (
        term === undefined ||
        isYear(word.text) ||
        own.some((key) => isRelated(key, [word.key]))
      ) {
        continue;
      }
      const gap: string = last === null ? "" : text.slice(last.end, word.start);
      const isJoined = last !== null && /^[\s._/@-]$/.test(gap);
      const isInside =
        /^[._/@-]\p{L}/u.test(text.slice(end)) ||
        /[\p{L}\p{N}][._/@-]$/u.test(text.slice(0, word.start));
      const isCapital = /\p{Lu}/u.test(word.text) || (isJoined && /^\d/.test(word.text));
      const isName =
        isInside ||
        (isCapital &&
          (at > 0 || /^\p{Lu}{2}|\p{L}\p{Lu}|\d/u.test(word.text) || isTitle(word.text)));
      if (!isName && !isShort) {
        others.push(term);
        continue;
      }
      if (last !== null && isJoined && (isName || gap !== " ")) {
        last.name.terms.push(term);
        last.name.text = text.slice(word.start - gap.length - last.name.text.length, end);
        last.end = end;
        continue;
      }
      const name: Name & { terms: QueryTerm[] } = { text: word.text, terms: [term] };
      if (last !== null && /^(?:, | and |, and | or | & )$/.test(gap)) {
        if (series.length === 0) series.push(last.name);
        series.push(name);
      }
      names.push(name);
      last = { name, end };
    }
  }
  if (names.length === 0) {
    const top = Math.max(0, ...others.map(({ weight }) => weight));
    const rare = others.filter(({ weight }) => weight === 0 || weight >= RARE * top);
    names.push(...rare.map((term) => ({ text: term.word, terms: [term] })));
  }
  return { names, series, dates, years };
}

/** Whether a statement has the name as it stands in the question, or what is around it has all of its words. */
export function isNamed({ text: name, terms }: Name, statement: string, context = ""): boolean {
  const isWhole = terms.length === 1 || statement.toLowerCase().includes(name.toLowerCase());
  return (
    (isWhole && terms.every((term) => term.isIn(statement))) ||
    terms.every((term) => term.isIn(context))
  );
}

/** The words of a field: all of its own must stand by a value; the others tell which of several values is meant. */
export interface FieldWords {
  own: readonly string[];
  others: readonly string[];
  /** Years that the field names. */
  years: readonly string[];
}

export function readFieldWords(
  name: string,
  description: string,
  asked: readonly string[],
): FieldWords {
  const ofDescription = keysOf(description);
  // `value` or `date` says nothing; then the description does, or else the question.
  const own =
    [keysOf(name), ofDescription, namingKeys(name), asked].find((keys) => keys.length > 0) ?? [];
  const years = splitWords(`${splitIdentifier(name)} ${description}`).flatMap(({ text }) =>
    isYear(text) ? [text] : [],
  );
  return { own, others: ofDescription, years };
}

/** The words that say what a text means, without those of form and unit. */
export function keysOf(text: string): string[] {
  return splitWords(splitIdentifier(text)).flatMap(({ text: word, key }) =>
    isStopWord(word) || isFormatWord(word) || isYear(word) || findUnit(word) !== null ? [] : [key],
  );
}

/** The words of a name; those of form and unit only where it has no others (`numeric`). */
export function namingKeys(name: string): string[] {
  const keys = keysOf(name);
  if (keys.length > 0) return keys;
  return splitWords(splitIdentifier(name)).flatMap(({ text, key }) =>
    isStopWord(text) || isYear(text) ? [] : [key],
  );
}

/** Words of documents for words that fields are named by: the noun is asked, the adjective or the verb stands there. */
const RELATED = [
  "length long",
  "height high highest tall elevation altitude",
  "depth deep",
  "width wide",
  "age old",
  "speed fast",
  "weight weigh heavy",
  "price cost fee fare",
  "minimum min least",
  "maximum max most",
  "temperature temp",
  "voltage volts",
  "founded established started",
  "director led",
  "owner belongs",
  "count number total",
  "employees employed staff",
  "average mean avg",
].map((group) => group.split(" ").map(wordKey));

/** Prefixes this long with so few letters more are one word: `employee` and `employed`. */
const MIN_PREFIX = 5;
const MAX_ENDING = 3;

/** Whether a word is among these, or one that means the same. */
export function isRelated(key: string, keys: Iterable<string>): boolean {
  const group = RELATED.find((one) => one.includes(key)) ?? [key];
  for (const other of keys) {
    if (group.includes(other)) return true;
    const [short, long] = key.length < other.length ? [key, other] : [other, key];
    if (
      short.length >= MIN_PREFIX &&
      long.length - short.length <= MAX_ENDING &&
      long.startsWith(short)
    )
      return true;
  }
  return false;
}

export function areRelated(own: readonly string[], ...texts: readonly string[]): boolean {
  return (
    own.length > 0 && own.every((key) => texts.some((text) => isRelated(key, readWords(text).keys)))
  );
}

/** A part of a sentence that states one thing. */
export interface Clause {
  start: number;
  end: number;
  text: string;
  /** What it continues, up to its end: it shares subject and verb. An aside continues nothing. */
  chain: string;
}

const CLAUSE_END =
  /[;,](?=\s)|\s(?:and|or|while|whereas|but|after|from|compared|than|up|down|before)(?=\s)|\s[–—](?=\s)/giu;
const ASIDE =
  /^[;,]?\s*(?:of\s)?(?:which|who|whom|whose|where|than|while|whereas|but|compared|after|from|up|down|before|below|above|more|less)\b/i;
const INSERTION = /\([^()]*\)|\[[^[\]]*\]/g;

/** The clauses of a sentence. What stands in brackets is one of its own. */
export function splitClauses(sentence: string): Clause[] {
  const insertions = [...sentence.matchAll(INSERTION)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
    chain: match[0],
  }));
  const isInside = (at: number) => insertions.some(({ start, end }) => start < at && at < end);
  const ends = [...sentence.matchAll(CLAUSE_END)]
    .map((match) => match.index)
    .filter((at) => !isInside(at));
  let chainStart = 0;
  const clauses = [0, ...ends].map((start, index) => {
    const end = ends[index] ?? sentence.length;
    const text = sentence.slice(start, end);
    if (ASIDE.test(text)) chainStart = start;
    return { start, end, text, chain: sentence.slice(chainStart, end) };
  });
  return [...clauses, ...insertions];
}
