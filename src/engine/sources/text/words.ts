import { stemmer } from "stemmer";
import { segmentText } from "./segment-text.ts";

/** A word of a text, with the normalised form that is used to compare it. */
export interface Word {
  /** The word as written in the text. */
  text: string;
  /** The offset of its first character in the text. */
  start: number;
  /** Lower case, without diacritics, stemmed: equal keys match, as in the full-text index. */
  key: string;
}

/** Scripts written without spaces: a text in them cannot be split into words at separators. */
const SPACELESS =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
const SPACELESS_RUN = new RegExp(`[${SPACELESS}]`, "u");
const BETWEEN_SPACELESS = new RegExp(`(?<=[${SPACELESS}])(?=[${SPACELESS}\\p{L}\\p{N}])`, "gu");
const BEFORE_SPACELESS = new RegExp(`(?<=[\\p{L}\\p{N}])(?=[${SPACELESS}])`, "gu");

/** A number keeps its separators, a word its marks; the possessive `'s` and every other character separate. */
const TOKEN = /\d+(?:[.,]\d+)*(?![\p{L}\p{N}])|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
/** Long enough that hardly a word is cut in two, short enough that a long run of signs costs nothing. */
const MAX_PIECE_CHARS = 500;

/** Splits text into words and numbers (`1,234.5` is one). */
export function splitWords(text: string): Word[] {
  return [...text.matchAll(TOKEN)].flatMap((match) => {
    const [token] = match;
    if (!SPACELESS_RUN.test(token)) return [toWord(token, match.index)];
    return [...segmentText(segmenter, token, MAX_PIECE_CHARS)].map(({ segment, index }) =>
      toWord(segment, match.index + index),
    );
  });
}

/** Whether a word is written like a year between 1000 and 2099. */
export function isYear(text: string): boolean {
  return /^(?:1\d{3}|20\d{2})$/.test(text);
}

/** `gdpPerCapita_2023` reads `gdp Per Capita 2023`. */
export function splitIdentifier(text: string): string {
  return text.replaceAll("_", " ").replace(/(?<=\p{Ll})(?=\p{Lu})/gu, " ");
}

/** The name of a column or a member as it stands in a row: in words, and without what separates cells. */
export function readableName(name: string): string {
  return splitIdentifier(name)
    .replaceAll(/[\s:;]+/g, " ")
    .trim();
}

/** A text as it is compared with questions. */
export interface TextWords {
  /** The words in the order of the text. */
  words: readonly Word[];
  keys: ReadonlySet<string>;
  spellings: ReadonlySet<string>;
}

/** The sentences of a folder are compared with every question anew; splitting them takes longer than the comparison. */
const knownTexts = new Map<string, TextWords>();
let knownChars = 0;
/** Some megabytes, and all that one run reads; beyond that the cache is emptied. */
const MAX_KNOWN_CHARS = 200_000;

/** Reads the words of a text once, for a text that is searched several times. */
export function readWords(text: string): TextWords {
  const known = knownTexts.get(text);
  if (known !== undefined) return known;
  const words = splitWords(text);
  const read: TextWords = {
    words,
    keys: new Set(words.map((word) => word.key)),
    spellings: new Set(words.map((word) => word.text)),
  };
  knownChars += text.length;
  if (knownChars > MAX_KNOWN_CHARS) {
    knownTexts.clear();
    knownChars = text.length;
  }
  knownTexts.set(text, read);
  return read;
}

function toWord(text: string, start: number): Word {
  return { text, start, key: wordKey(text) };
}

/** Texts repeat their words, and stemming a word takes longer than a lookup. */
const knownKeys = new Map<string, string>();
/** Some megabytes; beyond that the cache is emptied. */
const MAX_KNOWN_KEYS = 50_000;

/** The form in which words are compared: `Founding`, `founded` and `FOUNDED` have one key. */
export function wordKey(word: string): string {
  const known = knownKeys.get(word);
  if (known !== undefined) return known;
  if (knownKeys.size >= MAX_KNOWN_KEYS) knownKeys.clear();
  const key = makeWordKey(word);
  knownKeys.set(word, key);
  return key;
}

function makeWordKey(word: string): string {
  const folded = foldText(word);
  return /^\d/.test(folded) ? folded.replaceAll(",", "") : stemmer(folded);
}

/** Lower case, and Latin letters without their marks: what SQLite's `unicode61` tokenizer makes of a text. */
export function foldText(text: string): string {
  // Most texts are ASCII but for a few signs; a mark may follow a letter that is.
  return text
    .replaceAll(/[a-z]?[^\0-\x7f]+/gi, withoutMarks)
    .toLowerCase()
    .replaceAll("ς", "σ");
}

function withoutMarks(text: string): string {
  return text
    .normalize("NFD")
    .replaceAll(/(?<=\p{Script=Latin}\p{M}*)\p{M}/gu, "")
    .normalize("NFC");
}

/** Whether the word is in a script without spaces: it is then searched inside the text, not among its words. */
export function isSpaceless(word: string): boolean {
  return SPACELESS_RUN.test(word);
}

/** Invisible, and a separator for SQLite's tokenizer: so each character of a spaceless script is a token. */
const INVISIBLE_SEPARATOR = "\u200b";

/** Prepares text for the index. {@link fromIndexedText} is the way back. */
export function toIndexedText(text: string): string {
  return text
    .replace(BETWEEN_SPACELESS, INVISIBLE_SEPARATOR)
    .replace(BEFORE_SPACELESS, INVISIBLE_SEPARATOR);
}

export function fromIndexedText(text: string): string {
  return text.replaceAll(INVISIBLE_SEPARATOR, "");
}
