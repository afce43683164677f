import type { Citation, FieldBasis } from "../../task-api/output.ts";

/** A sentence that supports an answer, and its document. */
export interface QuotedSentence {
  sentence: string;
  document: { url: string; title: string };
}

/** One citation per source, in order of first use, with the sentences taken from it. */
export function citeSources(
  evidence: readonly QuotedSentence[],
): (Citation & { title: string; excerpts: string[] })[] {
  const citations = new Map<string, { url: string; title: string; excerpts: string[] }>();
  for (const { document, sentence } of evidence) {
    const { url, title } = document;
    const citation = citations.get(url) ?? { url, title, excerpts: [] };
    if (!citation.excerpts.includes(sentence)) citation.excerpts.push(sentence);
    citations.set(url, citation);
  }
  return [...citations.values()];
}

/** The basis of a field. Confidence is low, because no model has read what is quoted. */
export function describeBasis(field: string, reasoning: string, citations: Citation[]): FieldBasis {
  return { field, reasoning, citations, confidence: "low" };
}
