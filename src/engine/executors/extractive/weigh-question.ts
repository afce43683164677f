import type { PassageSearch } from "../../sources/source.ts";
import type { NameGroup, Question, Term } from "./question.ts";

/** A question with the weight of each of its words in this folder. */
export interface WeightedQuestion extends Question {
  weights: ReadonlyMap<string, number>;
  /** The keys of all words of names. */
  nameKeys: ReadonlySet<string>;
  /** The names, each group with the weight of its heaviest word. */
  subjects: readonly { group: NameGroup; weight: number }[];
  /** Names of which one is enough, with what the group weighs. */
  alternatives: readonly { group: NameGroup; weight: number }[];
  /** All other words. */
  single: readonly { term: Term; weight: number }[];
  /** The weight of a sentence that matches everything. */
  fullWeight: number;
}

/** The weight of a word around the question, as a share of the weight of a word in it. */
const HINT_WEIGHT = 0.5;

/** The weight of the expected kind of answer in a sentence: a date, a number, a name. */
export const EXPECTATION_WEIGHT = 1.5;

/**
 * An ordinary word that occurs nowhere in the folder may be filler, or a synonym of one that does, so such words must
 * not decide alone. They weigh less beside a name, which is a better sign of whether the documents cover the subject.
 */
const UNKNOWN_WORDS = { each: 3, together: 5, togetherBesideNames: 2 } as const;

/** One sentence cannot contain all words of a long question: only this many of the weightiest are expected. */
const MAX_EXPECTED_TERMS = 8;

/** Weighs each word of the question by its frequency in the index. */
export async function weighQuestion(
  question: Question,
  search: PassageSearch,
): Promise<WeightedQuestion> {
  const counts = new Map<string, number>();
  for (const term of question.terms) {
    counts.set(term.key, await search.countPassages([term.word, ...term.synonyms]));
  }
  const isUnknown = (term: Term) => counts.get(term.key) === 0;
  // Beside a name, the object of `of` may be only another word for one in the document.
  const objects = question.names.length > 0 ? question.objects.filter(isUnknown) : question.objects;
  const names = [...question.names, ...objects.map((term) => [[term]])];

  const nameKeys = new Set(names.flat(2).map((term) => term.key));
  const mayDecide = (term: Term) => !isUnknown(term) || nameKeys.has(term.key);
  const undecided = question.terms.filter((term) => !mayDecide(term) && !isHint(term)).length;
  const together = names.length > 0 ? UNKNOWN_WORDS.togetherBesideNames : UNKNOWN_WORDS.together;
  const maxUnknown = Math.min(UNKNOWN_WORDS.each, together / Math.max(1, undecided));

  const weights = new Map<string, number>();
  for (const term of question.terms) {
    if (isUnknown(term) && isHint(term)) continue;
    const rarity = inverseFrequency(counts.get(term.key) ?? 0, search.passageCount);
    const weight = mayDecide(term) ? rarity : Math.min(rarity, maxUnknown);
    weights.set(term.key, isHint(term) ? weight * HINT_WEIGHT : weight);
  }
  const alternatives = names
    .filter((group) => group.length > 1)
    .map((group) => ({ group, weight: weighAlternatives(group, weights) }));
  const optional = new Set(alternatives.flatMap(({ group }) => group.flat()).map(({ key }) => key));
  return {
    ...question,
    names,
    weights,
    nameKeys,
    subjects: names.map((group) => ({
      group,
      weight: Math.max(...group.flat().map(({ key }) => weights.get(key) ?? 0)),
    })),
    alternatives,
    single: question.terms
      .filter(({ key }) => !optional.has(key))
      .map((term) => ({ term, weight: weights.get(term.key) ?? 0 })),
    fullWeight: expectedWeight(question, { weights, alternatives, optional }),
  };
}

function isHint(term: Term): boolean {
  return term.role === "hint" || term.role === "described";
}

/** One of several alternative names is enough. */
function expectedWeight(
  question: Question,
  {
    weights,
    alternatives,
    optional,
  }: Pick<WeightedQuestion, "weights" | "alternatives"> & { optional: ReadonlySet<string> },
): number {
  const required = [...weights].flatMap(([key, weight]) => (optional.has(key) ? [] : [weight]));
  const groups = alternatives.map(({ weight }) => weight);
  const heaviest = [...required, ...groups].toSorted((a, b) => b - a).slice(0, MAX_EXPECTED_TERMS);
  return sum(heaviest) + (question.expects === null ? 0 : EXPECTATION_WEIGHT);
}

/** The weight of a group of alternative names, whichever of them matches: a rare country is not a better answer. */
function weighAlternatives(group: NameGroup, weights: ReadonlyMap<string, number>): number {
  const weigh = (name: readonly Term[]) => sum(name.map((term) => weights.get(term.key) ?? 0));
  return Math.max(...group.map(weigh));
}

/** The idf of BM25. */
function inverseFrequency(count: number, total: number): number {
  return Math.log(1 + (total - count + 0.5) / (count + 0.5));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
