import { sql } from "kysely";
import { stemmer } from "stemmer";
import type { Database } from "../../../database/open-database.ts";
import type { WordForm } from "../text/word-forms.ts";
import { foldText } from "../text/words.ts";

/** The words of an index, until a document changes. */
export interface Vocabulary {
  /** How many passages have the form; for a beginning of words, at most. */
  countPassages(form: WordForm): Promise<number>;
  /** Words that differ from this one by a slip of the pen and that at least so many passages have, closest first. */
  neighboursOf(word: string, minPassages: number): Promise<string[]>;
}

interface IndexedWord {
  term: string;
  doc: number;
}

const MAX_KEPT_COUNTS = 10_000;
/** The words of a few letters; more would be some ten megabytes. */
const MAX_KEPT_WORDS = 200_000;
const MAX_NEIGHBOURS = 3;
/** Shorter words have too many neighbours. */
const MIN_CHARS = 4;
/** A word of this length may have two slips. */
const LONG_CHARS = 8;

export function createVocabulary(db: Database): Vocabulary {
  const counts = new Map<string, number>();
  const byLetter = new Map<string, readonly IndexedWord[]>();

  async function countPassages(form: WordForm): Promise<number> {
    const known = counts.get(form.match);
    if (known !== undefined) return known;
    const count = await readCount(form);
    if (counts.size >= MAX_KEPT_COUNTS) counts.clear();
    counts.set(form.match, count);
    return count;
  }

  async function readCount({ keys, prefix, match }: WordForm): Promise<number> {
    if (keys?.length === 1) return sumOf(sql`term = ${keys[0]}`);
    if (prefix !== undefined) return sumOf(sql`term >= ${prefix} AND term < ${afterAll(prefix)}`);
    const { count } = await db
      .selectFrom("passages")
      .select((query) => query.fn.countAll<number>().as("count"))
      .where(sql<boolean>`passages MATCH ${match}`)
      .executeTakeFirstOrThrow();
    return count;
  }

  async function sumOf(condition: ReturnType<typeof sql>): Promise<number> {
    const { count } = await db
      .selectFrom("passage_words")
      .select((query) => query.fn.sum<number | null>("doc").as("count"))
      .where(sql<boolean>`${condition}`)
      .executeTakeFirstOrThrow();
    return count ?? 0;
  }

  /** A slip in the first letter is rare, and the words of one letter are read fast. */
  async function wordsFrom(letter: string): Promise<readonly IndexedWord[]> {
    const known = byLetter.get(letter);
    if (known !== undefined) return known;
    const words = await db
      .selectFrom("passage_words")
      .select(["term", "doc"])
      .where("term", ">=", letter)
      .where("term", "<", afterAll(letter))
      .execute();
    const kept = [...byLetter.values()].reduce((total, { length }) => total + length, 0);
    if (kept + words.length > MAX_KEPT_WORDS) byLetter.clear();
    byLetter.set(letter, words);
    return words;
  }

  async function neighboursOf(asked: string, minPassages: number): Promise<string[]> {
    const word = foldText(asked);
    if (word.length < MIN_CHARS || !/^\p{L}+$/u.test(word)) return [];
    const found = (await wordsFrom(word.slice(0, 1))).flatMap(({ term, doc }) => {
      const corrected = doc < minPassages ? null : correct(word, term);
      return corrected === null ? [] : [{ ...corrected, doc }];
    });
    return found
      .toSorted((a, b) => a.slips - b.slips || b.doc - a.doc)
      .slice(0, MAX_NEIGHBOURS)
      .map((neighbour) => neighbour.word);
  }

  return { countPassages, neighboursOf };
}

/** The first text behind all that begin so, in the order of SQLite. */
function afterAll(start: string): string {
  return `${start}\u{10ffff}`;
}

/** The word with its slips corrected so that its stem is this one; null when it has too many of them or none. */
function correct(word: string, stem: string): { word: string; slips: number } | null {
  const most = word.length >= LONG_CHARS ? 2 : 1;
  if (stem.length > word.length + most || stem.length < MIN_CHARS - 1) return null;
  // A slip is before the ending, or it made another ending of it.
  const own = stemmer(word);
  const candidates = [
    ...distancesToPrefixes(stem, word).map((slips, at) => ({ slips, word: stem + word.slice(at) })),
    { slips: distancesToPrefixes(stem, own).at(-1) ?? 0, word: stem },
  ];
  const close = candidates
    .filter(({ slips }) => slips > 0 && slips <= most)
    .toSorted((a, b) => a.slips - b.slips);
  return close.find((candidate) => stemmer(candidate.word) === stem) ?? null;
}

/** How many slips (a letter too many, missing, wrong, or two swapped) are between the stem and each prefix of the word. */
function distancesToPrefixes(stem: string, word: string): number[] {
  let before: number[] = [];
  let last = Array.from({ length: word.length + 1 }, (_, j) => j);
  for (let i = 1; i <= stem.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= word.length; j += 1) {
      const isSame = stem[i - 1] === word[j - 1];
      let least = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = i > 1 && j > 1 && stem[i - 1] === word[j - 2] && stem[i - 2] === word[j - 1];
      if (isSwap) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last;
}
