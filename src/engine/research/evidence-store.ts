import type { DocumentPassage, OutlineEntry, PassageReader, Place } from "../sources/source.ts";

/** A page that a run has seen, as it was then. */
export interface EvidencePage {
  /** `p1` for the first page of the run. */
  id: string;
  title: string;
  /** Where the page is; for a place in it, see `citedUrl`. */
  url: string;
  /** `YYYY-MM-DD`; null when unknown. */
  publishedOn: string | null;
  passageCount: number;
}

/** A passage of a page that a run has seen. */
export interface EvidencePassage {
  /** `p1.4`: the fourth passage of the first page of the run. */
  id: string;
  page: EvidencePage;
  /** From 0, within the page. */
  position: number;
  heading: string;
  text: string;
  place: Place | null;
}

/** The headings of a page that a run has seen. */
export interface EvidenceOutline {
  page: EvidencePage;
  entries: EvidenceHeading[];
}

/** A heading, and the first passage below it. */
export interface EvidenceHeading extends OutlineEntry {
  /** The id of the passage. */
  id: string;
  /** Whether the passage is kept: of a large page only what is near a hit is. */
  isKept: boolean;
}

/**
 * What runs have seen: pages and passages by content hash, so that reading on, follow-ups, retries and the verification
 * of quotes use the text of then, also after the document changed. Ids are of one run and stay the same in every attempt.
 */
export interface EvidenceStore {
  /**
   * Adds the hits of a search to the evidence of the run, best first, with the passages around each. What the run has
   * already keeps its id. Resolves to the hits with their ids, in order.
   */
  keep(
    runId: string,
    hits: readonly DocumentPassage[],
    reader: PassageReader,
  ): Promise<EvidencePassage[]>;
  /** The hits of the run in the order in which they were kept, from `offset`. */
  hits(
    runId: string,
    page: { offset: number; limit: number },
  ): Promise<{ passages: EvidencePassage[]; total: number }>;
  /** The passage and up to `around` on each side, as far as they are kept; empty for an unknown id. */
  around(runId: string, passageId: string, around: number): Promise<EvidencePassage[]>;
  /** The headings of a page; null for an unknown id. */
  outline(runId: string, pageId: string): Promise<EvidenceOutline | null>;
  /** The pages of the run, in order. */
  pages(runId: string): Promise<EvidencePage[]>;
  /** Every kept passage of a page, in order. */
  readPage(runId: string, pageId: string): Promise<EvidencePassage[]>;
}
