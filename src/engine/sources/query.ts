import type { SearchQuery } from "./source.ts";
import { findDates } from "./text/dates.ts";
import { splitSentences } from "./text/sentences.ts";
import { findLanguage, isInstruction } from "./text/stop-words.ts";
import { isSpaceless, splitWords, type Word } from "./text/words.ts";
import { dateForm, phraseForm, prefixForm, stemForm, type WordForm } from "./text/word-forms.ts";

/** A word of a question before it is looked up in an index. */
export interface QueryWord {
  word: string;
  form: WordForm;
  /** `hint`: helps where it occurs. `part`: of a date or a name such as `os.path`, which is searched as a whole too. */
  role: "word" | "part" | "hint";
}

/** A question of more characters is a page of text with a question in it. */
const MAX_QUESTION_CHARS = 400;
/** What is read of a longer text without any sentence in it, and of hints. */
const MAX_CHARS = 4_000;
const MAX_WORDS = 48;
const MAX_HINTS = 32;
/** Of a language whose words are not stemmed: the inflected forms of most words begin with the same five letters. */
const PREFIX_CHARS = 5;
/** A syllable of Hangul is two or three letters. */
const HANGUL_PREFIX_CHARS = 2;

/** The words that a search asks for, in order, each once. */
export function readQuery({ text, hints = "" }: SearchQuery): QueryWord[] {
  const { question, rest } = splitQuestion(text);
  const words = unique(readWordsOf(question), MAX_WORDS);
  const known = new Set(words.map(({ word }) => word.toLowerCase()));
  const others = readWordsOf(`${hints}\n${rest}`.slice(0, MAX_CHARS))
    .filter(({ word, role }) => role === "word" && !known.has(word.toLowerCase()))
    .map((word) => ({ ...word, role: "hint" }) as const);
  return [...words, ...unique(others, MAX_HINTS)];
}

/** Of a long text, the sentence that asks: one with a question mark, or an instruction, or the last. */
function splitQuestion(text: string): { question: string; rest: string } {
  if (text.length <= MAX_QUESTION_CHARS) return { question: text, rest: "" };
  const sentences = splitSentences(text);
  const question =
    sentences.findLast((sentence) => /[?？؟]["'”»)]*$/.test(sentence)) ??
    sentences.find((sentence) => isInstruction(splitWords(sentence.slice(0, 40))[0]?.text ?? "")) ??
    sentences.at(-1) ??
    "";
  const rest = sentences.filter((sentence) => sentence !== question).join("\n");
  return { question: question.slice(0, MAX_CHARS), rest };
}

function unique(words: readonly QueryWord[], limit: number): QueryWord[] {
  const byMatch = new Map(words.toReversed().map((word) => [word.form.match.toLowerCase(), word]));
  return words
    .filter((word) => byMatch.get(word.form.match.toLowerCase()) === word)
    .slice(0, limit);
}

/** A name with signs in it, such as `shared_buffers`, `os.path`, `--no-ff` or `C++`. */
const COMPOUND =
  /(?<![\p{L}\p{N}])(?:-{1,2})?[\p{L}\p{N}]+(?:(?:[._:/@-]|::)[\p{L}\p{N}]+)+|(?<=\s|^)--?\p{L}+|[\p{L}\p{N}]+(?:\+\+|#)(?![\p{L}\p{N}])/gu;

function readWordsOf(text: string): QueryWord[] {
  const language = findLanguage(text);
  const dates = findDates(text);
  const words = splitWords(text);
  // A single letter is an article or a clipped one in many languages (`é`, `l'`), and in English perhaps a name.
  const isTelling = ({ text: word }: Word) =>
    !language.stopWords.has(word.toLowerCase()) &&
    (language.isEnglish || !/^\p{Script=Latin}$/u.test(word));
  const telling = words.filter((word) => isTelling(word) || isAcronym(word.text, text));
  const compounds = [...text.matchAll(COMPOUND)].filter(({ 0: name, index }) => {
    if (isSpaceless(name) || dates.some((date) => isInside(date, index))) return false;
    const span = { start: index, end: index + name.length };
    return /^-|[+#]$/.test(name) || telling.some((word) => isInside(span, word.start));
  });
  const wholes = [
    ...dates.map(({ text: word, start, end, iso }) => ({ word, start, end, form: dateForm(iso) })),
    ...compounds.map(({ 0: word, index }) => ({
      word,
      start: index,
      end: index + word.length,
      form: phraseForm(word),
    })),
  ];
  const single = joinSpaceless(telling.length > 0 ? telling : words, text).flatMap((word) => {
    const date = dates.find((span) => isInside(span, word.start));
    // Days and months in numbers are in any text.
    if (date !== undefined && /^\d{1,2}(?!\d)/.test(word.text)) return [];
    const isPart = wholes.some((whole) => isInside(whole, word.start));
    return formsOf(word.text, language.isEnglish).map(({ word: own, form }) => ({
      word: own,
      start: word.start,
      form,
      role: isPart ? ("part" as const) : ("word" as const),
    }));
  });
  return [...wholes.map((whole) => ({ ...whole, role: "word" as const })), ...single]
    .toSorted((a, b) => a.start - b.start)
    .map(({ word, form, role }) => ({ word, form, role }));
}

function isInside(span: { start: number; end: number }, at: number): boolean {
  return span.start <= at && at < span.end;
}

/** `WHO` among small letters is a name. */
function isAcronym(word: string, text: string): boolean {
  return /^\p{Lu}{2,}$/u.test(word) && /\p{Ll}/u.test(text);
}

const PAIRED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+$/u;

/** Joins neighbours in Chinese and Japanese: where a word ends is guessed there, and pairs of signs need no guess. */
function joinSpaceless(words: readonly Word[], text: string): { text: string; start: number }[] {
  const joined: { text: string; start: number }[] = [];
  for (const { text: word, start } of words) {
    const last = joined.at(-1);
    const isNext =
      last !== undefined &&
      last.start + last.text.length === start &&
      PAIRED.test(last.text) &&
      PAIRED.test(word);
    if (isNext) last.text = text.slice(last.start, start + word.length);
    else joined.push({ text: word, start });
  }
  return joined;
}

function formsOf(word: string, isEnglish: boolean): { word: string; form: WordForm }[] {
  if (PAIRED.test(word)) {
    const signs = Array.from(word);
    const pairs = signs.slice(1).map((sign, index) => `${signs[index]}${sign}`);
    return (pairs.length > 0 ? pairs : [word]).map((pair) => ({
      word: pair,
      form: phraseForm(pair),
    }));
  }
  if (isSpaceless(word) || isSeveralTokens(word)) return [{ word, form: phraseForm(word) }];
  const length = /\p{Script=Hangul}/u.test(word) ? HANGUL_PREFIX_CHARS : PREFIX_CHARS;
  const isCut = !isEnglish && word.length >= Math.min(length, 4) && !/\d/.test(word);
  return [{ word, form: isCut ? prefixForm(word.slice(0, length)) : stemForm(word) }];
}

/** SQLite's tokenizer separates words at signs inside numbers and at the marks of other scripts than Latin. */
function isSeveralTokens(word: string): boolean {
  return /\d[.,]\d|(?<!\p{Script=Latin}\p{M}*)\p{M}/u.test(word.normalize("NFC"));
}
