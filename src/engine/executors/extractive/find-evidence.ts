import type { PassageSearch, FoundPassage, IndexedDocument } from "../../sources/source.ts";
import { splitSentences } from "../../sources/text/sentences.ts";
import type { ReadingBudget } from "../../research/budgets.ts";
import type { ReadingObserver } from "../../research/reading-progress.ts";
import type { Question } from "./question.ts";
import type { ReadingTime } from "../../research/reading-time.ts";
import { MIN_SCORE, mentionsNames, type SentenceInContext, scoreSentence } from "./relevance.ts";
import { weighQuestion, type WeightedQuestion } from "./weigh-question.ts";

/** A sentence of a document that answers a question, to a degree. */
export interface Evidence extends SentenceInContext {
  document: IndexedDocument;
  heading: string;
  score: number;
  /** Whether the sentence itself names its subject; rows and pronouns need their context. */
  standsAlone: boolean;
}

/** Sentences that score less than this share of the best one only repeat some of its words. */
const CLOSE_TO_BEST = 0.8;

export interface EvidenceFound {
  question: WeightedQuestion;
  /** Relevant sentences, best first, each text once. Empty when the documents do not answer. */
  evidence: Evidence[];
}

/**
 * Searches, reads the best passages document by document, and keeps the sentences that answer the question. The best
 * document is always read; the others, while there is time.
 */
export async function findEvidence(
  asked: Question,
  search: PassageSearch,
  budget: ReadingBudget,
  observer: ReadingObserver,
  time: ReadingTime,
): Promise<EvidenceFound> {
  const question = await weighQuestion(asked, search);
  const words = question.terms.flatMap((term) =>
    question.weights.has(term.key) ? [term.word, ...term.synonyms] : [],
  );
  const { passages, documentIds } = await search.find(words, budget.passages);
  observer.matched(documentIds);

  const evidence: Evidence[] = [];
  const groups = groupByDocument(passages).slice(0, budget.documents);
  for (const [index, group] of groups.entries()) {
    if (index > 0 && time.isOver()) break;
    for (const passage of group) evidence.push(...scorePassage(passage, question));
    const [first] = group;
    if (first !== undefined) await observer.read(first.document, (index + 1) / groups.length);
  }
  return { question, evidence: keepRelevant(evidence) };
}

function groupByDocument(passages: readonly FoundPassage[]): FoundPassage[][] {
  const groups = new Map<number, FoundPassage[]>();
  for (const passage of passages) {
    const group = groups.get(passage.document.id);
    if (group === undefined) groups.set(passage.document.id, [passage]);
    else group.push(passage);
  }
  return [...groups.values()];
}

/** The sentences of the passage that may be relevant. */
function scorePassage(passage: FoundPassage, question: WeightedQuestion): Evidence[] {
  const { document, heading } = passage;
  return sentencesOf(passage).flatMap((text) => {
    const score = scoreSentence(text, question);
    if (score < MIN_SCORE) return [];
    const standsAlone = readRow(text.sentence) === null && mentionsNames(question, text.sentence);
    return [{ document, heading, ...text, score, standsAlone }];
  });
}

/** Sentences of passages that were read before and that the search still holds. */
const knownSentences = new WeakMap<FoundPassage, readonly SentenceInContext[]>();

function sentencesOf(passage: FoundPassage): readonly SentenceInContext[] {
  const known = knownSentences.get(passage);
  if (known !== undefined) return known;
  const sentences = readSentences(passage);
  knownSentences.set(passage, sentences);
  return sentences;
}

function readSentences({
  document,
  lead = "",
  heading,
  subject,
  text,
}: FoundPassage): SentenceInContext[] {
  const about = subject ?? `${document.title}\n${heading}`;
  return text.split("\n").flatMap((line) => {
    let antecedent = "";
    return splitSentences(line).map((sentence) => {
      const context = hasPronoun(sentence) ? `${about}\n${antecedent}` : about;
      antecedent = mainClause(sentence);
      return { sentence, context, lead };
    });
  });
}

/** A pronoun of the next sentence refers to the subject, not to what a clause compares it with. */
function mainClause(sentence: string): string {
  return sentence.split(/[,;]?\s(?:which|who|whose|than|while|whereas|but)\s/)[0] ?? "";
}

/**
 * A sentence with a pronoun has the subject of the sentence before it. Capitals distinguish the acronym `IT` from a
 * pronoun.
 */
function hasPronoun(sentence: string): boolean {
  return /\b(?:[Ii]t|[Ii]ts|[Hh]e|[Hh]is|[Ss]he|[Hh]er|[Tt]hey|[Tt]heir)\b/.test(sentence);
}

function keepRelevant(evidence: readonly Evidence[]): Evidence[] {
  const ranked = evidence.toSorted((a, b) => b.score - a.score);
  const floor = Math.max(MIN_SCORE, (ranked[0]?.score ?? 0) * CLOSE_TO_BEST);
  const seen = new Set<string>();
  return ranked.filter(({ sentence, context, score, standsAlone }) => {
    // Rows of different documents may read alike and mean different things.
    const key = standsAlone ? sentence : `${context}\n${sentence}`;
    if (score < floor || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A line of `name: value` cells: a table row, or a list item such as `Headquarters: Geneva`. */
export function readRow(sentence: string): { name: string; value: string }[] | null {
  const cells = sentence.split("; ").map((cell) => {
    const match = /^([^:;.!?]{1,60}): (.+)$/.exec(cell);
    return match === null ? null : { name: match[1] ?? "", value: match[2] ?? "" };
  });
  const named = cells.filter((cell) => cell !== null);
  return named.length === cells.length ? named : null;
}
