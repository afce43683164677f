import type { DocumentPassage, QueryTerm } from "../../sources/source.ts";
import { findDates } from "../../sources/text/dates.ts";
import { splitSentences } from "../../sources/text/sentences.ts";
import { isFormatWord, isStopWord } from "../../sources/text/stop-words.ts";
import { isYear, readWords, splitIdentifier, splitWords } from "../../sources/text/words.ts";
import { findUnit } from "../../sources/text/numbers.ts";

/** A cell of a table row, a value of a record, or a line such as `Headquarters: Geneva`. */
export interface Cell {
  name: string;
  value: string;
}

/** A sentence or row of a passage. */
export interface Statement {
  text: string;
  /** The title and the headings above it, which say what it is about. */
  context: string;
  /** Empty for a sentence. */
  cells: readonly Cell[];
  passage: DocumentPassage;
}

export function readStatements(passage: DocumentPassage): Statement[] {
  const context = `${passage.document.title}\n${passage.heading}`;
  return passage.text.split("\n").flatMap((line) => {
    // A cell may have several sentences.
    const texts = readCells(line).length > 1 ? [line] : splitSentences(line);
    return texts.map((text) => ({ text, context, cells: readCells(text), passage }));
  });
}

function readCells(text: string): Cell[] {
  const cells: Cell[] = [];
  for (const part of text.split("; ")) {
    const [, name, value] = /^([^:;.!?]{1,60}): (.+)$/.exec(part) ?? [];
    const last = cells.at(-1);
    if (name !== undefined && value !== undefined) cells.push({ name, value });
    else if (last === undefined) return [];
    // A cell may have a semicolon itself.
    else last.value += `; ${part}`;
  }
  return cells;
}

/** The clauses of a sentence, in which brackets are blank: what they refer to is not stated there. */
export function splitClauses(sentence: string): string[] {
  return sentence
    .replaceAll(/\([^()]*\)|\[[^[\]]*\]/g, (inside) => " ".repeat(inside.length))
    .split(/[;,](?=\s)|\s(?:and|but|while|whereas|which)(?=\s)|\s[–—](?=\s)/i);
}

/** What a question is about: a value of something else is no answer, however well its field fits. */
export interface AskedSubject {
  /** Each must stand in a statement or above it. */
  terms: readonly QueryTerm[];
  /** `YYYY-MM-DD`. */
  dates: readonly string[];
  years: readonly string[];
}

/** A longer text is a sentence, in which only names and rare words are the subject. */
const MAX_TITLE_WORDS = 5;
/** A word with this share of the weight of the rarest one is a subject where nothing is written like a name. */
const RARE = 0.6;

/** The subject of a question: all of it that the fields themselves (`own`) do not say. */
export function readSubject(
  asked: readonly string[],
  terms: readonly QueryTerm[],
  own: readonly string[],
): AskedSubject {
  const found = asked.flatMap((text) => {
    const dates = findDates(text);
    const words = splitWords(text).filter(
      ({ start }) => !dates.some((date) => date.start <= start && start < date.end),
    );
    const isTitle = words.length <= MAX_TITLE_WORDS && !text.includes("?");
    return words.flatMap(({ text: word, key }) => {
      const term = terms.find((one) => one.word === word);
      if (term === undefined || isYear(word) || own.includes(key)) return [];
      return { term, isName: isTitle || /[\p{Lu}\d]/u.test(word) };
    });
  });
  const names = found.filter(({ isName }) => isName);
  const top = Math.max(...found.map(({ term }) => term.weight));
  const rare = found.filter(({ term: { weight } }) => weight === 0 || weight >= RARE * top);
  return {
    terms: (names.length > 0 ? names : rare).map(({ term }) => term),
    dates: asked.flatMap(findDates).map(({ iso }) => iso),
    years: asked.flatMap(yearsIn),
  };
}

const NAME = "\\p{Lu}[\\p{L}\\p{N}.'’&-]*(?: \\p{Lu}[\\p{L}\\p{N}.'’&-]*)*";
const SERIES = new RegExp(`${NAME}(?:(?:, and |, or |, | and | or )${NAME})+`, "u");

/** The names that a text enumerates: `Bhutan and Mongolia`. */
export function namesOfSeries(text: string): string[] {
  const names = (SERIES.exec(text)?.[0] ?? "").split(/, and |, or |, | and | or /);
  const withoutVerb = names.map((name) => name.split(" ").filter((word) => !isStopWord(word)));
  return withoutVerb.map((words) => words.join(" ")).filter((name) => name !== "");
}

/** Whether one of the texts has each term and a date. */
export function isAbout({ terms, dates }: AskedSubject, ...texts: string[]): boolean {
  return (
    terms.every((term) => texts.some((text) => term.isIn(text))) &&
    (dates.length === 0 || texts.flatMap(findDates).some(({ iso }) => dates.includes(iso)))
  );
}

export function yearsIn(text: string): string[] {
  return [...readWords(text).keys].filter(isYear);
}

/** The words that say what a name or a description means; those of form and unit only where it has no others. */
export function keysOf(text: string): string[] {
  const words = splitWords(splitIdentifier(text)).filter(
    ({ text: word }) => !isStopWord(word) && !isYear(word),
  );
  const telling = words.filter(({ text: word }) => !isFormatWord(word) && findUnit(word) === null);
  return (telling.length > 0 ? telling : words).map(({ key }) => key);
}

/** Whether the texts have all of these words, also as parts of identifiers. */
export function haveAll(keys: readonly string[], ...texts: string[]): boolean {
  const all = texts.flatMap((text) => [
    readWords(text).keys,
    readWords(splitIdentifier(text)).keys,
  ]);
  return keys.every((key) => all.some((one) => one.has(key)));
}
