import { sql } from "kysely";
import { stemmer } from "stemmer";
import type { Database } from "../../../database/open-database.ts";
import { LruCache } from "../../../runtime/lru-cache.ts";
import type { WordForm } from "../text/word-forms.ts";
import { foldText } from "../text/words.ts";

/** The words of an index, until a document changes. */
export interface Vocabulary {
  /** How many passages have the form; for a beginning of words, at most. */
  countPassages(form: WordForm): Promise<number>;
  /** Words that differ from this one by a slip of the pen and that at least so many passages have: the closest. */
  neighboursOf(word: string, minPassages: number): Promise<readonly string[]>;
}

const MAX_KEPT_COUNTS = 10_000;
const MAX_KEPT_NEIGHBOURS = 1_000;
const MAX_NEIGHBOURS = 3;
/** Shorter words have too many neighbours. */
const MIN_CHARS = 4;
/** A word of this length may have two slips. */
const LONG_CHARS = 8;

export function createVocabulary(db: Database): Vocabulary {
  const counts = new Map<string, number>();
  const neighbours = new LruCache<string, readonly string[]>(MAX_KEPT_NEIGHBOURS);

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
    if (prefix !== undefined)
      return sumOf(sql`term >= ${prefix} AND term < ${prefix + LAST_CHARACTER}`);
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

  async function neighboursOf(asked: string, minPassages: number): Promise<readonly string[]> {
    const word = foldText(asked);
    if (word.length < MIN_CHARS || !/^\p{L}+$/u.test(word)) return [];
    const key = `${word} ${minPassages}`;
    const known = neighbours.get(key) ?? (await findNeighbours(word, minPassages));
    neighbours.set(key, known);
    return known;
  }

  async function findNeighbours(word: string, minPassages: number): Promise<string[]> {
    // Each start is a seek; the index is not read beyond the words that begin so.
    const found = await sql<{ term: string; doc: number }>`
      SELECT term, doc FROM json_each(${JSON.stringify(likelyStarts(word))}) AS start
      CROSS JOIN passage_words ON term >= start.value AND term < start.value || ${LAST_CHARACTER}
      WHERE doc >= ${minPassages} AND length(term) BETWEEN ${MIN_CHARS - 1} AND ${word.length + mostSlips(word)}`.execute(
      db,
    );
    const close = found.rows.flatMap(({ term, doc }) => {
      const corrected = correct(word, term);
      return corrected === null ? [] : [{ ...corrected, doc }];
    });
    const fewest = Math.min(...close.map(({ slips }) => slips));
    return close
      .filter(({ slips }) => slips === fewest)
      .toSorted((a, b) => b.doc - a.doc)
      .slice(0, MAX_NEIGHBOURS)
      .map((neighbour) => neighbour.word);
  }

  return { countPassages, neighboursOf };
}

/** Begins after every letter in the order of SQLite. */
const LAST_CHARACTER = "\u{10ffff}";
const LATIN = "abcdefghijklmnopqrstuvwxyz";

/**
 * What the word meant may begin with: the same two letters, or a slip in the second one and then the same letters. A
 * slip in the first letter is rare.
 */
function likelyStarts(word: string): string[] {
  const [first = "", second = "", third = "", fourth = ""] = word;
  const same = first + second;
  const slipped = [
    first + third + fourth,
    first + third + second,
    ...Array.from(LATIN, (letter) => first + letter + second + third),
    ...Array.from(LATIN, (letter) => first + letter + third + fourth),
  ];
  return [same, ...new Set(slipped.filter((start) => !start.startsWith(same)))];
}

function mostSlips(word: string): number {
  return word.length >= LONG_CHARS ? 2 : 1;
}

/** The word with its slips corrected so that its stem is this one; null when it has too many of them or none. */
function correct(word: string, stem: string): { word: string; slips: number } | null {
  const most = mostSlips(word);
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
