import type { DocumentPassage, QueryTerm, RankedPassage } from "./source.ts";
import type { QueryWord } from "./query.ts";
import { createCounter } from "./text/word-forms.ts";

/** A word of a question as a ranking counts it. */
export type WeighedTerm = Omit<QueryTerm, "isIn"> & Pick<QueryWord, "form" | "role">;

/** BM25's constants: how soon more occurrences stop to count, and how much length does. Measured by bench/retrieval.ts. */
const K1 = 0.9;
const B = 0.4;
/** A hint only decides between passages that are about equally close. */
const HINT_SHARE = 0.2;
/**
 * A passage gains this share of what the best passages of its document score together. More moves the passages of one
 * long document before answers of others.
 */
const DOCUMENT_BOOST = 0.05;
const BOOSTING_PASSAGES = 3;
/** A heading or title that is the question's term defines it: the passage gains up to this share of its score. */
const HEADING_BOOST = 0.5;

/** The passages that have any of the terms, closest first. */
export function rankPassages(
  terms: readonly WeighedTerm[],
  passages: readonly DocumentPassage[],
): RankedPassage[] {
  const count = createCounter(terms.map(({ form }) => form));
  const weights = terms.map(({ weight, role }) => (role === "hint" ? weight * HINT_SHARE : weight));
  const read = passages.map((passage) => {
    const { document, heading, text } = passage;
    const whole = `${document.title}\n${heading}\n${text}`;
    return { passage, length: whole.length, counts: count(whole) };
  });
  // Only lengths relative to each other matter, and so the average of what was found serves as well as that of all.
  const average = sum(read.map(({ length }) => length)) / read.length;
  const scored = read.flatMap(({ passage, length, counts }) => {
    const base = K1 * (1 - B + (B * length) / average);
    const score = sum(counts.map((n, i) => ((weights[i] ?? 0) * n * (K1 + 1)) / (n + base)));
    return score > 0 ? [{ ...passage, score }] : [];
  });
  return boostDocuments(scored.map((passage) => boostHeading(passage)));

  /** By how much of the question the heading has, and how much of the heading is the question's. */
  function boostHeading(passage: RankedPassage): RankedPassage {
    const name = passage.heading.split(" › ").at(-1) ?? "";
    const share = Math.max(shareOf(name), shareOf(passage.document.title));
    return { ...passage, score: passage.score * (1 + HEADING_BOOST * share) };
  }

  function shareOf(heading: string): number {
    const has = count(heading);
    const matched = sum(weights.map((weight, i) => ((has[i] ?? 0) > 0 ? weight : 0)));
    const words = heading.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
    const known = sum(has);
    return words === 0 ? 0 : (matched / sum(weights)) * Math.min(1, known / words);
  }
}

function boostDocuments(passages: readonly RankedPassage[]): RankedPassage[] {
  const ranked = passages.toSorted((a, b) => b.score - a.score);
  const best = new Map<number, number[]>();
  for (const { document, score } of ranked) {
    const scores = best.get(document.id) ?? [];
    if (scores.length < BOOSTING_PASSAGES) best.set(document.id, [...scores, score]);
  }
  const boosted = ranked.map((passage) => {
    const together = sum(best.get(passage.document.id) ?? []);
    return { ...passage, score: passage.score + DOCUMENT_BOOST * together };
  });
  return boosted.toSorted((a, b) => b.score - a.score);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
