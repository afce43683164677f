import type { SourcePolicy } from "../../task-api/run-input.ts";

/** A source that an executor can search and read: the document folder, a web search, an MCP server of the run. */
export interface Source {
  /** The best matches for the query, best first. Rejects with the reason of `signal`. */
  search(query: string, options: SearchOptions): Promise<Hit[]>;
  /** Reads the page that a hit names. Throws {@link PageNotFound}, and the reason of `signal`. */
  read(id: string, signal: AbortSignal): Promise<SourcePage>;
}

export interface SearchOptions {
  /** The most hits to return. */
  limit: number;
  /** Which pages the run may use; null or undefined admits every page. */
  policy: SourcePolicy | null | undefined;
  signal: AbortSignal;
}

/** The page fields that every result has. */
export interface PageFields {
  /** Names the page inside its source; a run may come back to it after a restart. */
  id: string;
  title: string;
  url: string;
  /** `YYYY-MM-DD`; null when the source does not say. */
  publishedOn: string | null;
}

/** A page that a search found. */
export interface Hit extends PageFields {
  /** The part of the page that matches best, verbatim. */
  excerpt: string;
}

/** A page as the source delivered it, cut into searchable pieces. */
export interface SourcePage extends PageFields {
  passages: readonly Passage[];
}

/** A searchable piece of a page, of bounded length. */
export interface Passage {
  /** The path of headings above it, such as `History › Founding`; empty before the first one. */
  heading: string;
  /** Verbatim: one paragraph, list item or table row per line. */
  text: string;
}

/** The source has no page with this id, or has it no longer. */
export class PageNotFound extends Error {
  override readonly name = "PageNotFound";

  constructor(id: string) {
    super(`There is no page ${id}. Search again: the documents may have changed.`);
  }
}

/** A document of an index, as an answer cites it. */
export interface IndexedDocument {
  id: number;
  title: string;
  url: string;
  publishedOn: string | null;
}

export interface FoundPassage extends Passage {
  document: IndexedDocument;
  /**
   * The first sentence of the document, if it is before all headings: it usually says what the whole document is about.
   */
  lead?: string;
  /** The subject of the text, as the text around it states it; by default the title and the heading. */
  subject?: string;
}

/** Documents that a ranking by words searches passage by passage: those that one run may use. */
export interface PassageSearch {
  /** How many documents are searched. */
  readonly documentCount: number;
  /** How many passages there are: what frequencies are compared with. */
  readonly passageCount: number;
  /** The number of passages that contain any of the words, in any of its forms. */
  countPassages(words: readonly string[]): Promise<number>;
  /** The best passages that hold any of the words, best first, and every document that holds one. */
  find(
    words: readonly string[],
    limit: number,
  ): Promise<{ passages: FoundPassage[]; documentIds: number[] }>;
}
