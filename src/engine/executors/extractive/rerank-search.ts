import type { RunWarning } from "../../../task-api/run.ts";
import { type Embedder, EmbeddingFailed } from "../../research/embeddings.ts";
import type { PassageSearch, RankedPassage } from "../../sources/source.ts";
import { coverage, weighWords } from "./score-sentence.ts";

/** A passage with this share of the question was found by its own words. */
const ENOUGH_COVERAGE = 0.7;
const RERANKED = 50;
/** Reciprocal rank fusion's usual constant (Cormack and others, 2009). */
const FUSION_K = 60;

interface RerankedSearch {
  search: PassageSearch;
  /** Why the order is that of words alone, if an endpoint failed. */
  warnings: RunWarning[];
}

/** The search of one run, whose best passages come in an order of words and meaning where the words say little. */
export function rerankSearch(
  search: PassageSearch,
  embedder: Embedder | null,
  signal: AbortSignal,
): RerankedSearch {
  const warnings: RunWarning[] = [];
  if (embedder === null) return { search, warnings };

  async function rerank(question: string, ranked: readonly RankedPassage[], by: Embedder) {
    const first = ranked.slice(0, RERANKED);
    try {
      const [asked, ...vectors] = await by.embed([question, ...first.map(textOf)], signal);
      if (asked === undefined) return ranked;
      const bySimilarity = vectors
        .map((vector, index) => ({ index, similarity: cosine(asked, vector) }))
        .toSorted((a, b) => b.similarity - a.similarity);
      const fused = first.map((_, index) => 1 / (FUSION_K + index + 1));
      for (const [rank, { index }] of bySimilarity.entries()) {
        fused[index] = (fused[index] ?? 0) + 1 / (FUSION_K + rank + 1);
      }
      // Scores are compared with those of the passages behind, and so each keeps its place, not its passage.
      return first
        .map((passage, index) => ({ passage, fusion: fused[index] ?? 0 }))
        .toSorted((a, b) => b.fusion - a.fusion)
        .map(({ passage }, index) => ({ ...passage, score: first[index]?.score ?? 0 }))
        .concat(ranked.slice(RERANKED));
    } catch (error) {
      if (!(error instanceof EmbeddingFailed)) throw error;
      const message = `Passages are in the order of matching words, not of meaning: the embedding endpoint ${error.message}.`;
      if (warnings.length === 0) warnings.push({ type: "warning", message });
      return ranked;
    }
  }

  return {
    warnings,
    search: {
      ...search,
      async search(query, limit) {
        const ranking = await search.search(query, Math.max(limit, RERANKED));
        const [best] = ranking.passages;
        const words = weighWords(query.text, ranking.terms, search.passageCount);
        const isFound = best === undefined || coverage(textOf(best), words) >= ENOUGH_COVERAGE;
        const passages =
          isFound || warnings.length > 0
            ? ranking.passages
            : await rerank(query.text, ranking.passages, embedder);
        return { ...ranking, passages: passages.slice(0, limit) };
      },
    },
  };
}

function textOf({ document, heading, text }: RankedPassage): string {
  return `${document.title}\n${heading}\n${text}`;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (const [index, x] of a.entries()) {
    const y = b[index] ?? 0;
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return product / (Math.sqrt(lengthA * lengthB) || 1);
}
