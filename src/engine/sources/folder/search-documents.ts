import type { Database } from "../../../database/open-database.ts";
import { LruCache } from "../../../runtime/lru-cache.ts";
import type { SourcePolicy } from "../../../task-api/run-input.ts";
import {
  type DocumentPassage,
  type Hit,
  type IndexedDocument,
  PageNotFound,
  type PageFields,
  type PassageSearch,
  type Ranking,
  type SearchOptions,
  type SearchQuery,
  type SourcePage,
} from "../source.ts";
import { type QueryWord, readQuery } from "../query.ts";
import { rankPassages, type WeighedTerm } from "../ranking.ts";
import { createCounter, stemForm } from "../text/word-forms.ts";
import { splitWords, wordKey } from "../text/words.ts";
import { type DocumentState, readDocumentState } from "./document-state.ts";
import { createPassageReader } from "./read-passages.ts";
import type { UnknownSources } from "./source-names.ts";

/** The searchable documents of one folder. */
export interface DocumentIndex {
  /** Prepares searches over the passages that the index holds now, of the documents that the policy allows. */
  passages(policy: SourcePolicy | null | undefined): Promise<PassageSearch>;
  /** See {@link Source}. */
  search(query: string, options: SearchOptions): Promise<Hit[]>;
  /** See {@link Source}. */
  read(id: string, signal: AbortSignal): Promise<SourcePage>;
  /** The entries of the policy that name no document; null when there are none. */
  unknownSources(policy: SourcePolicy): Promise<UnknownSources | null>;
}

/** Several of the best passages may be of one document. */
const PASSAGES_PER_HIT = 4;
/** Ranked anew, because FTS5's constants of BM25 are fixed: beyond these no passage was found that came to the front. */
const MAX_CANDIDATES = 200;
/** A word of no more passages may be misspelled. */
const RARE = 4;
/** Of sentences, for each question. */
const MAX_KEPT_COUNTS = 1_000;
/** By how much more frequent a neighbour must be to be what was meant. */
const MORE_FREQUENT = 20;

/** Opens the index of folders. It caches what every run needs until a document changes. */
export function openDocumentIndex(db: Database, folders: readonly string[]): DocumentIndex {
  const reader = createPassageReader(db, folders);
  let kept: DocumentState | null = null;

  async function current(): Promise<DocumentState> {
    const { version } = await db
      .selectFrom("document_index")
      .select("version")
      .executeTakeFirstOrThrow();
    // Read the version before the documents: a change in between then causes a second read, and is never missed.
    if (kept?.version !== version) kept = await readDocumentState(db, folders, version);
    return kept;
  }

  async function passages(policy: SourcePolicy | null | undefined): Promise<PassageSearch> {
    const state = await current();
    const allowed = await state.allow(policy);

    async function search(
      query: SearchQuery,
      limit: number,
      beside: readonly DocumentPassage[] = [],
    ): Promise<Ranking> {
      const total = allowed.passageCount + beside.length;
      const terms = await weighTerms(readQuery(query), state, beside, total);
      const match = matchOf(terms, total);
      const found =
        match === null ? [] : await reader.match(match, allowed.condition, MAX_CANDIDATES);
      const ranked = rankPassages(terms, [...found, ...beside]);
      return {
        terms: shownTerms(terms, ranked),
        passages: ranked.slice(0, limit),
        documentIds: [...new Set(ranked.map(({ document }) => document.id))],
      };
    }

    return {
      documentCount: allowed.documentCount,
      passageCount: allowed.passageCount,
      search,
      read: reader.read,
      outline: reader.outline,
    };
  }

  async function findPages(
    query: string,
    { limit, policy, signal }: SearchOptions,
  ): Promise<Hit[]> {
    signal.throwIfAborted();
    const index = await passages(policy);
    const ranking = await index.search({ text: query }, limit * PASSAGES_PER_HIT);
    signal.throwIfAborted();
    const hits = new Map<number, Hit>();
    for (const { document, text } of ranking.passages) {
      if (hits.has(document.id)) continue;
      hits.set(document.id, { ...pageFields(document), excerpt: text });
    }
    return [...hits.values()].slice(0, limit);
  }

  async function read(id: string, signal: AbortSignal): Promise<SourcePage> {
    signal.throwIfAborted();
    const document = await reader.findDocument(id);
    if (document === null) throw new PageNotFound(id);
    const found = await reader.read(document, 0, document.passageCount);
    signal.throwIfAborted();
    const parts = found.map(({ heading, text, place }) => ({ heading, text, place }));
    return { ...pageFields(document), passages: parts };
  }

  return {
    passages,
    search: findPages,
    read,
    unknownSources: async (policy) => (await (await current()).names()).unknownIn(policy),
  };
}

function pageFields({ id, title, url, publishedOn }: IndexedDocument): PageFields {
  return { id: String(id), title, url, publishedOn };
}

/** Looks the words up, and rare ones under their neighbours too. */
function weighTerms(
  words: readonly QueryWord[],
  { vocabulary }: DocumentState,
  beside: readonly DocumentPassage[],
  total: number,
): Promise<WeighedTerm[]> {
  const texts = beside.map(wholeText);

  async function countAll(form: WeighedTerm["form"]): Promise<number> {
    const own = texts.length === 0 ? 0 : countTexts(form, texts);
    return Math.min(total, own + (await vocabulary.countPassages(form)));
  }

  return Promise.all(
    words.map(async ({ word, form: asked, role }) => {
      const own = await countAll(asked);
      const mayBeWrong = own <= RARE && role !== "hint" && asked.pattern === undefined;
      const atLeast = Math.max(1, own * MORE_FREQUENT);
      const neighbours = mayBeWrong ? await vocabulary.neighboursOf(word, atLeast) : [];
      const form = neighbours.length === 0 ? asked : stemForm(word, ...neighbours);
      const count = neighbours.length === 0 ? own : await countAll(form);
      const weight = count === 0 ? 0 : Math.log(1 + (total - count + 0.5) / (count + 0.5));
      const takenFor = own === 0 && count > 0 ? { takenFor: neighbours } : {};
      return { word, form, role, passages: count, weight, ...takenFor };
    }),
  );
}

function countTexts(form: WeighedTerm["form"], texts: readonly string[]): number {
  const count = createCounter([form]);
  return texts.filter((text) => (count(text)[0] ?? 0) > 0).length;
}

/**
 * An FTS5 query for the passages to rank. Words of more than a tenth of all passages only rank what others find, because
 * FTS5 weighs every passage that matches. Hints are searched only when there is nothing else.
 */
function matchOf(terms: readonly WeighedTerm[], total: number): string | null {
  const known = terms.filter(({ passages }) => passages > 0);
  const asked = known.filter(({ role }) => role !== "hint");
  const wanted = asked.length > 0 ? asked : known;
  const rarer = wanted.filter(({ passages }) => passages <= total / 10);
  const found = rarer.reduce((sum, { passages }) => sum + passages, 0);
  const matches = (found < MAX_CANDIDATES ? wanted : rarer).map(({ form }) => form.match);
  return matches.length === 0 ? null : matches.join(" OR ");
}

/** A name such as `os.path` is one word where passages have it, and its parts where none has. */
function shownTerms(
  terms: readonly WeighedTerm[],
  ranked: readonly DocumentPassage[],
): Ranking["terms"] {
  const isPart = (term: WeighedTerm) =>
    term.role === "part" &&
    terms.some(
      (whole) =>
        whole.role === "word" &&
        whole.word.includes(term.word) &&
        (whole.passages > 0 || whole.form.date !== undefined),
    );
  const isBroken = (term: WeighedTerm) =>
    term.passages === 0 &&
    terms.some((part) => part.role === "part" && term.word.includes(part.word)) &&
    term.form.date === undefined;
  const shown = terms.filter((term) => term.role !== "hint" && !isPart(term) && !isBroken(term));
  const count = createCounter(shown.map(({ form }) => form));
  // Each word is asked of the same sentences, and one pass over a sentence finds all of them.
  const counts = new LruCache<string, readonly number[]>(MAX_KEPT_COUNTS);
  return shown.map(({ word, weight, passages, takenFor }, index) => ({
    word,
    weight,
    passages,
    ...(takenFor !== undefined && { takenFor: takenFor.map((one) => spellingOf(one, ranked)) }),
    isIn: (text) => (counts.getOrCreate(text, () => count(text))[index] ?? 0) > 0,
  }));
}

/** As the first passage that has it writes it: an index has only the beginnings of words. */
function spellingOf(word: string, ranked: readonly DocumentPassage[]): string {
  const count = createCounter([stemForm(word)]);
  const text = ranked.map(wholeText).find((one) => (count(one)[0] ?? 0) > 0) ?? "";
  const key = wordKey(word);
  return (
    splitWords(text)
      .find((one) => one.key === key)
      ?.text.toLowerCase() ?? word
  );
}

function wholeText({ document, heading, text }: DocumentPassage): string {
  return `${document.title}\n${heading}\n${text}`;
}
