import type { ReadingObserver } from "../../research/reading-progress.ts";
import type { ReadingTime } from "../../research/reading-time.ts";
import type { PassageSearch, QueryTerm, RankedPassage, SearchQuery } from "../../sources/source.ts";
import { cutWindows, type PassageWindow } from "./cut-windows.ts";
import { CLEAR_SCORE, weighWords } from "./score-sentence.ts";

/** Enough for the longest answer and for reading on; every processor reads the same. */
const MAX_PASSAGES = 30;

/** More would only repeat the words of the question. */
const MAX_QUOTES = 3;

/** Sentences that score less than this share of the best one are beside it. */
const CLOSE_TO_BEST = 0.8;

/** Of two passages that answer alike, the one that is not out of date comes first. */
const OUTDATED =
  /\b(?:deprecated|obsoleted?|superseded|archived|no longer (?:supported|maintained|used|valid|available|recommended))\b/i;
const OUTDATED_FACTOR = 0.9;

export interface FoundWindows {
  /** Windows with a sentence that clearly answers, best first, at most three. */
  quoted: PassageWindow[];
  /** The others, closest first. */
  close: PassageWindow[];
  /** The words of the question that no passage has as they are. */
  missing: QueryTerm[];
  /** Whether the question has any word to search for. */
  hasWords: boolean;
  /** Every passage that was found, best first. */
  passages: readonly RankedPassage[];
}

/**
 * Searches, and reads the best passages document by document. The best document is always read; the others, while there
 * is time.
 */
export async function findWindows(
  query: SearchQuery,
  search: PassageSearch,
  observer: ReadingObserver,
  time: ReadingTime,
): Promise<FoundWindows> {
  const { terms, passages, documentIds } = await search.search(query, MAX_PASSAGES);
  observer.matched(documentIds);
  const question = weighWords(query.text, terms, search.passageCount);
  const isAboutOutdated = OUTDATED.test(query.text);

  const windows: { window: PassageWindow; rank: number }[] = [];
  const groups = groupByDocument(passages);
  for (const [index, group] of groups.entries()) {
    if (index > 0 && time.isOver()) break;
    for (const passage of group) {
      for (const window of cutWindows(passage, question)) {
        const factor = !isAboutOutdated && isOutdated(window) ? OUTDATED_FACTOR : 1;
        const rank = passage.score * (0.5 + window.score) * factor;
        windows.push({ window: { ...window, score: window.score * factor }, rank });
      }
    }
    const [first] = group;
    if (first !== undefined) await observer.read(first.document, (index + 1) / groups.length);
  }
  const ranked = keepDistinct(
    windows.toSorted((a, b) => b.rank - a.rank).map(({ window }) => window),
  );
  const quoted = pickQuoted(ranked);
  return {
    quoted,
    close: ranked.filter((window) => !quoted.includes(window)),
    missing: terms.filter((term) => term.passages === 0 || term.takenFor !== undefined),
    hasWords: terms.length > 0,
    passages,
  };
}

function groupByDocument(passages: readonly RankedPassage[]): RankedPassage[][] {
  const groups = new Map<number, RankedPassage[]>();
  for (const passage of passages) {
    const { id } = passage.document;
    groups.set(id, [...(groups.get(id) ?? []), passage]);
  }
  return [...groups.values()];
}

function pickQuoted(windows: readonly PassageWindow[]): PassageWindow[] {
  const byScore = windows.toSorted((a, b) => b.score - a.score);
  const floor = Math.max(CLEAR_SCORE, (byScore[0]?.score ?? 0) * CLOSE_TO_BEST);
  return byScore.filter(({ score }) => score >= floor).slice(0, MAX_QUOTES);
}

function isOutdated({ passage, text }: PassageWindow): boolean {
  return OUTDATED.test(`${passage.document.title}\n${passage.heading}\n${text}`);
}

/** The same text in two formats of a document is shown once; short ones mean something only below their headings. */
function keepDistinct(windows: readonly PassageWindow[]): PassageWindow[] {
  const seen = new Set<string>();
  return windows.filter(({ text, passage }) => {
    const letters = lettersOf(text);
    const key =
      letters.length < MIN_TELLING ? `${lettersOf(passage.heading)}\n${letters}` : letters;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A sentence of this many letters says what it is about. */
const MIN_TELLING = 40;

/** A text without what formats differ in: case, spaces, marks. */
export function lettersOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
}
