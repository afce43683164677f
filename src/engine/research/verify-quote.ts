import leven from "leven";
import { type FoldedText, foldPage, isWordChar, originalSpan } from "./fold-text.ts";
import { findNegations, isLanguageKnown } from "./negations.ts";

/** Why a quote is not accepted. `altered`: the page has a similar text with another number, negation or word. */
export type QuoteProblem = "too_short" | "too_long" | "unfaithful_elision" | "altered" | "absent";

/** The page's own text that a quote stands for, and its offsets; never the words of the quote. */
export type QuoteVerification =
  | { isVerified: true; excerpt: string; start: number; end: number }
  | { isVerified: false; problem: QuoteProblem };

/** Folded characters: a shorter text occurs anywhere by chance. */
const MIN_QUOTE_CHARS = 12;
/** Longer ones are pages, not quotes, and cost time to compare. */
const MAX_QUOTE_CHARS = 2_000;
/** The most that an ellipsis may stand for: beyond it the parts are two quotes. */
const MAX_GAP_CHARS = 400;
/** Enough text on both sides to tell its language. */
const LANGUAGE_CHARS = 1_000;
/** The most edits of a quote with typos, as a share of its characters. */
const MAX_EDIT_SHARE = 0.08;
/** One word with a typo more leaves no word group intact by which the place is found. */
const MAX_TYPO_WORDS = 4;
/** A page in which a fragment occurs more often than this is made of repetitions. */
const MAX_OCCURRENCES = 100;

/**
 * Finds a quote in a page: exactly after folding; else with each ellipsis standing for a short text of one paragraph that
 * has no negation or exception; else with a few typos, while numbers, negations and all other words are equal.
 */
export function verifyQuote(page: FoldedText, quote: string): QuoteVerification {
  if (quote.length > MAX_QUOTE_CHARS * 2) return { isVerified: false, problem: "too_long" };
  const wanted = stripEnds(foldPage(quote).folded);
  if (wanted.length > MAX_QUOTE_CHARS) return { isVerified: false, problem: "too_long" };
  if (wanted.length < MIN_QUOTE_CHARS) return { isVerified: false, problem: "too_short" };

  const exact = findExact(page, wanted).map((start) => accept(page, start, start + wanted.length));
  const verified = exact.find(({ isVerified }) => isVerified) ?? exact[0];
  if (verified !== undefined) return verified;

  const fragments = wanted.split(/ ?\.{3,} ?/).map(stripEnds);
  if (fragments.length > 1) {
    const elided = findElided(page, fragments);
    if (typeof elided !== "string") return accept(page, elided.start, elided.end);
    return { isVerified: false, problem: elided };
  }
  const similar = findSimilar(page, wanted);
  if (typeof similar !== "string") return accept(page, similar.start, similar.end);
  return { isVerified: false, problem: similar };
}

interface Span {
  start: number;
  end: number;
}

function accept(page: FoldedText, start: number, end: number): QuoteVerification {
  // `allowed to smoke` is no quote of `not allowed to smoke`.
  const before = page.folded.slice(Math.max(0, start - 24), start);
  const [, wordBefore = ""] = /(?:^|[ '(])([^ '(]+) ['(]*$/.exec(before) ?? [];
  const isCutOff = isWordChar(wordBefore.at(-1)) && findNegations(wordBefore).length > 0;
  if (isCutOff) return { isVerified: false, problem: "altered" };
  const { text: excerpt, ...span } = originalSpan(page, start, end);
  return { isVerified: true, excerpt, ...span };
}

/** Without the quotes, dots and spaces that people put around a quote. */
function stripEnds(text: string): string {
  const isOuter = (char: string | undefined) => char !== undefined && " '.".includes(char);
  let start = 0;
  let end = text.length;
  while (start < end && isOuter(text[start])) start += 1;
  while (end > start && isOuter(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** Where the text stands in whole words and numbers, from `from` on. */
function findExact({ folded }: FoldedText, wanted: string, from = 0): number[] {
  const found: number[] = [];
  let at = folded.indexOf(wanted, from);
  for (let seen = 0; at !== -1 && seen < MAX_OCCURRENCES; seen += 1) {
    if (isWhole(folded, at, at + wanted.length)) found.push(at);
    at = folded.indexOf(wanted, at + 1);
  }
  return found;
}

const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Whether a part of the text ends no word or number in the middle: `12` is not in `120`, `1.2` or `-12`. */
function isWhole(text: string, start: number, end: number): boolean {
  return !joins(text, start) && !joins(text, end) && !isSigned(text, start);
}

/** Whether the characters on both sides belong to one word or number. */
function joins(text: string, at: number): boolean {
  const [before, after] = [text[at - 1], text[at]];
  if (isWordChar(before) && isWordChar(after)) {
    return !SPACELESS.test(`${before}`) && !SPACELESS.test(`${after}`);
  }
  return (
    (isDigit(before) && /^[.,]\d/.test(text.slice(at, at + 2))) ||
    (isDigit(after) && /\d[.,]$/.test(text.slice(Math.max(0, at - 2), at)))
  );
}

function isSigned(text: string, start: number): boolean {
  return isDigit(text[start]) && text[start - 1] === "-" && !isWordChar(text[start - 2]);
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && /\p{N}/u.test(char);
}

/** The span from the first fragment to the last, when nothing between them changes what they say. */
function findElided(page: FoldedText, fragments: readonly string[]): Span | QuoteProblem {
  const [first = "", ...rest] = fragments;
  if (fragments.some((fragment) => fragment.length < MIN_QUOTE_CHARS)) return "unfaithful_elision";
  let isThere = false;
  for (const start of findExact(page, first)) {
    isThere = true;
    let end: number | null = start + first.length;
    for (const fragment of rest) end = end === null ? null : continueAfter(page, fragment, end);
    if (end !== null) return { start, end };
  }
  return isThere ? "unfaithful_elision" : "absent";
}

/** The end of the fragment that follows soon after `from`; null when it does not, or the gap is no mere omission. */
function continueAfter(page: FoldedText, fragment: string, from: number): number | null {
  const window = page.folded.slice(from, from + MAX_GAP_CHARS + fragment.length + 1);
  for (let at = window.indexOf(fragment); at !== -1; at = window.indexOf(fragment, at + 1)) {
    const start = from + at;
    if (!isWhole(page.folded, start, start + fragment.length)) continue;
    const gap = originalSpan(page, from, start).text;
    const around = page.folded.slice(Math.max(0, from - LANGUAGE_CHARS), start + LANGUAGE_CHARS);
    const isFaithful =
      !/\n\s*\n/.test(gap) && findNegations(gap).length === 0 && isLanguageKnown(around);
    return isFaithful ? start + fragment.length : null;
  }
  return null;
}

/** Numbers in words: one letter makes another number of them. */
const NUMBER_WORDS = new Set(
  `one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
  nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million millions billion billions
  trillion trillions first second third fourth fifth sixth seventh eighth ninth tenth half double triple`.split(
    /\s+/,
  ),
);

/** Beginnings that turn a word into another one with the same end: `possible` and `impossible`. */
const PREFIX =
  /^(?:anti|counter|de|dis|ex|hyper|hypo|il|im|in|inter|intra|ir|mis|non|out|over|post|pre|re|sub|super|un|under|up|a)/;

/** The span of a text that differs from the quote in a few typos only. */
function findSimilar(page: FoldedText, wanted: string): Span | QuoteProblem {
  const tokens = wanted.split(" ");
  const maxEdits = Math.floor(wanted.length * MAX_EDIT_SHARE);
  let problem: QuoteProblem = "absent";
  for (const { group, before } of wordGroups(tokens, Math.min(maxEdits, MAX_TYPO_WORDS) + 1)) {
    const text = group.join(" ");
    for (const at of findExact(page, text).slice(0, MAX_OCCURRENCES)) {
      const start = skipBack(page.folded, at, before);
      const aligned = start === null ? null : align(page.folded, start, tokens, maxEdits);
      if (aligned === null) continue;
      if (aligned.isSame && hasSameNegations(page, aligned, wanted)) return aligned;
      problem = "altered";
    }
  }
  return problem;
}

/** Cuts the words into so many groups: fewer typos than groups leave one of them intact. */
function wordGroups(
  tokens: readonly string[],
  count: number,
): { group: string[]; before: number }[] {
  const size = Math.max(1, Math.ceil(tokens.length / count));
  return Array.from({ length: Math.ceil(tokens.length / size) }, (_, index) => ({
    group: tokens.slice(index * size, (index + 1) * size),
    before: index * size,
  })).filter(({ group }) => group.join(" ").length >= 4);
}

/** The offset of the word that stands `count` words before `at`. */
function skipBack(text: string, at: number, count: number): number | null {
  let start = at;
  for (let left = count; left > 0; left -= 1) {
    if (start < 2) return null;
    start = text.lastIndexOf(" ", start - 2) + 1;
  }
  return start;
}

/** Compares word by word; null when the texts are not similar at all. */
function align(
  text: string,
  start: number,
  tokens: readonly string[],
  maxEdits: number,
): (Span & { isSame: boolean }) | null {
  let at = start;
  let edits = 0;
  let end = start;
  let isSame = true;
  for (const [index, token] of tokens.entries()) {
    const space = text.indexOf(" ", at);
    const next = space === -1 || space - at > MAX_QUOTE_CHARS ? text.length : space;
    const isLast = index === tokens.length - 1;
    const own = text.slice(at, Math.min(next, at + MAX_QUOTE_CHARS));
    // What stands around the quote belongs to the page.
    const [theirs, mine] = [isLast ? trimMarks(own) : own, isLast ? trimMarks(token) : token];
    if (theirs !== mine) {
      edits += leven(theirs, mine, { maxDistance: maxEdits + 1 });
      if (edits > maxEdits) return null;
      isSame &&= isTypo(text, trimMarks(theirs), trimMarks(mine));
    }
    end = at + (isLast ? own.trimEnd().replace(/[.'",;:!?)]+$/, "").length : own.length);
    if (next === text.length && !isLast) return null;
    at = next + 1;
  }
  return { start, end, isSame };
}

function trimMarks(token: string): string {
  return token.replace(/^['"(]{1,20}|['".,;:!?)]{1,20}$/g, "");
}

/** Whether a word is one of the page with a typo, and not another word. */
function isTypo(page: string, theirs: string, mine: string): boolean {
  if (theirs === mine) return true;
  const allowed = theirs.length >= 8 ? 2 : theirs.length >= 4 ? 1 : 0;
  const isOtherNumber = [theirs, mine].some(
    (word) => /\p{N}/u.test(word) || NUMBER_WORDS.has(word),
  );
  if (isOtherNumber || theirs.replace(PREFIX, "") === mine.replace(PREFIX, "")) return false;
  return leven(theirs, mine) <= allowed && !hasWord(page, mine);
}

/** A word that the page has elsewhere is another word and no misspelling. */
function hasWord(text: string, word: string): boolean {
  let at = text.indexOf(word);
  for (let seen = 0; at !== -1 && seen < MAX_OCCURRENCES; seen += 1) {
    if (!joins(text, at) && !joins(text, at + word.length)) return true;
    at = text.indexOf(word, at + 1);
  }
  return false;
}

function hasSameNegations(page: FoldedText, { start, end }: Span, wanted: string): boolean {
  const theirs = findNegations(page.folded.slice(start, end));
  return theirs.join(" ") === findNegations(wanted).join(" ");
}
