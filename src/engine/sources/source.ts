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
  /** Where it begins in its page; null where that says nothing. */
  place: Place | null;
}

/** A place in a file, counted from 1: the page of a PDF, the line of a text. */
export interface Place {
  unit: "page" | "slide" | "line";
  number: number;
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
  /** SHA-256 of what was read: another content has another hash. */
  hash: string;
  passageCount: number;
}

/** A passage and its number within its document, from 0. */
export interface DocumentPassage extends Passage {
  document: IndexedDocument;
  position: number;
}

/** A passage that a search found, best first. */
export interface RankedPassage extends DocumentPassage {
  /** BM25; comparable within one ranking only. */
  score: number;
}

/** A word of a question, as the search weighs it. */
export interface QueryTerm {
  /** As the question has it. */
  word: string;
  /** Inverse document frequency: rare words weigh more. 0: no passage has it. */
  weight: number;
  /** How many passages have it, or what the search takes for it. */
  passages: number;
  /** No passage has the word: these, which have a letter or two in another way, were searched instead. */
  takenFor?: readonly string[];
  /** Whether the text has it in any of its forms. */
  isIn(text: string): boolean;
}

export interface SearchQuery {
  text: string;
  /** Words that help where they occur and are never asked for, such as the name of an output field. */
  hints?: string;
}

export interface Ranking {
  /** The words of the question without stop words, in order, each once. */
  terms: readonly QueryTerm[];
  passages: readonly RankedPassage[];
  /** Every document that was considered. */
  documentIds: readonly number[];
}

/** Documents that can be searched passage by passage: those that one run may use. */
export interface PassageSearch extends PassageReader {
  /** How many documents are searched. */
  readonly documentCount: number;
  readonly passageCount: number;
  /** The passages closest to the question, best first; those given are ranked together with the stored ones. */
  search(query: SearchQuery, limit: number, beside?: readonly DocumentPassage[]): Promise<Ranking>;
}

/** Reads documents of a search without searching; nothing of a document that has changed since. */
export interface PassageReader {
  /** The passages of the document at these positions, in order; `end` is not included. */
  read(document: IndexedDocument, start: number, end: number): Promise<DocumentPassage[]>;
  /** Where each heading of the document begins, at most `limit` of them. */
  outline(document: IndexedDocument, limit: number): Promise<OutlineEntry[]>;
}

/** A heading path and the position of the first passage below it. */
export interface OutlineEntry {
  heading: string;
  position: number;
}
