import { sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { PassagesTable } from "../../../database/schema.ts";
import type { SourcePolicy } from "../../../task-api/run-input.ts";
import {
  documentIdOf,
  PASSAGES_PER_DOCUMENT,
  passageRange,
  sqlInteger,
} from "./store-documents.ts";
import {
  type FoundPassage,
  type Hit,
  type IndexedDocument,
  type SourcePage,
  type PageFields,
  PageNotFound,
  type OutlineEntry,
  type PassageSearch,
  type QueryTerm,
  type Ranking,
  type SearchOptions,
  type SearchQuery,
} from "../source.ts";
import { isStopWord } from "../text/stop-words.ts";
import { splitSentences } from "../text/sentences.ts";
import { type SourcePlace, createSourceFilter } from "../source-policy-filter.ts";
import { type UnknownSources, createSourceNames } from "./source-names.ts";
import { readPlace } from "../place.ts";
import {
  fromIndexedText,
  isSpaceless,
  readWords,
  splitWords,
  toMatchExpression,
} from "../text/words.ts";

/**
 * Weights: a match in the title counts most, one in the heading more than one in the text. The order is that of the
 * columns in the schema.
 */
const RANK = sql<number>`bm25(passages, 4.0, 2.0, 1.0, 1.0)`;

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

interface DocumentRow extends IndexedDocument {
  place: SourcePlace;
}

/** The data read from an index, cached until a document changes. */
interface KeptIndex {
  version: number;
  rows: readonly DocumentRow[];
  names: ReturnType<typeof createSourceNames>;
  /** Whether the database has no documents of other folders. */
  isAlone: boolean;
  passages: Map<number, FoundPassage>;
  /** First sentences, by document. */
  leads: Map<number, string>;
  /** The number of passages in the whole folder that match an expression, by expression. */
  frequencies: Map<string, number>;
}

/** Several of the best passages may be of one document. */
const PASSAGES_PER_HIT = 4;

/** A few megabytes; beyond that the cache is emptied. */
const MAX_KEPT_PASSAGES = 1_000;
const MAX_KEPT_FREQUENCIES = 10_000;

/** Opens the index of folders. It caches what a run reads, because the next run mostly reads the same. */
export function openDocumentIndex(db: Database, folders: readonly string[]): DocumentIndex {
  let kept: KeptIndex | null = null;

  async function current(): Promise<KeptIndex> {
    const { version } = await db
      .selectFrom("document_index")
      .select("version")
      .executeTakeFirstOrThrow();
    // Read the version before the documents: a change in between then causes a second read, and is never missed.
    if (kept?.version !== version) kept = await readIndex(db, folders, version);
    return kept;
  }

  async function search(query: string, { limit, policy, signal }: SearchOptions): Promise<Hit[]> {
    signal.throwIfAborted();
    const index = searchIn(db, await current(), policy);
    const words = splitWords(query).map((word) => word.text);
    const telling = words.filter((word) => !isStopWord(word));
    const { passages } = await index.find(
      telling.length > 0 ? telling : words,
      limit * PASSAGES_PER_HIT,
    );
    signal.throwIfAborted();
    const hits = new Map<number, Hit>();
    for (const { document, text } of passages) {
      if (hits.has(document.id)) continue;
      hits.set(document.id, { ...pageFields(document), excerpt: text });
    }
    return [...hits.values()].slice(0, limit);
  }

  async function read(id: string, signal: AbortSignal): Promise<SourcePage> {
    signal.throwIfAborted();
    const { rows } = await current();
    const document = rows.find((row) => String(row.id) === id);
    if (document === undefined) throw new PageNotFound(id);
    const { first, end } = passageRange(document.id);
    const found = await db
      .selectFrom("passages")
      .select(["heading", "text", "place"])
      .where("rowid", ">=", sqlInteger(first))
      .where("rowid", "<", sqlInteger(end))
      .orderBy("rowid")
      .execute();
    signal.throwIfAborted();
    const passages = found.map(({ heading, text, place }) => ({
      heading: fromIndexedText(heading),
      text: fromIndexedText(text),
      place: readPlace(place),
    }));
    return { ...pageFields(document), passages };
  }

  return {
    passages: async (policy) => searchIn(db, await current(), policy),
    search,
    read,
    unknownSources: async (policy) => (await current()).names.unknownIn(policy),
  };
}

function pageFields({ id, title, url, publishedOn }: IndexedDocument): PageFields {
  return { id: String(id), title, url, publishedOn };
}

async function readIndex(
  db: Database,
  folders: readonly string[],
  version: number,
): Promise<KeptIndex> {
  const found = await db
    .selectFrom("documents")
    .select(["id", "title", "url", "published_on as publishedOn", "passage_count as passageCount"])
    .select(["folder", "path", "content_hash as hash"])
    .where("folder", "in", folders)
    .orderBy("id")
    .execute();
  const rows = found.map(({ folder, path, ...row }) => ({ ...row, place: { folder, path } }));
  const { count } = await db
    .selectFrom("documents")
    .select((query) => query.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  const isAlone = count === rows.length;
  return {
    version,
    rows,
    names: createSourceNames(rows),
    isAlone,
    passages: new Map(),
    leads: new Map(),
    frequencies: new Map(),
  };
}

function searchIn(
  db: Database,
  { rows, isAlone, passages: keptPassages, leads, frequencies: keptFrequencies }: KeptIndex,
  policy: SourcePolicy | null | undefined,
): PassageSearch {
  const documents = new Map(rows.filter(createSourceFilter(policy)).map((row) => [row.id, row]));
  const documentId = sql<number>`rowid / ${sql.lit(PASSAGES_PER_DOCUMENT)}`;
  const isAllowed =
    isAlone && documents.size === rows.length
      ? sql<boolean>`TRUE`
      : sql<boolean>`${documentId} IN (SELECT value FROM json_each(${JSON.stringify([...documents.keys()])}))`;
  let passageCount = 0;
  for (const document of documents.values()) passageCount += document.passageCount;
  const frequencies = documents.size === rows.length ? keptFrequencies : new Map<string, number>();

  async function countPassages(words: readonly string[]): Promise<number> {
    const match = toMatchExpression(words);
    if (match === null) return 0;
    const known = frequencies.get(match);
    if (known !== undefined) return known;
    const { count } = await db
      .selectFrom("passages")
      .select((query) => query.fn.countAll<number>().as("count"))
      .where(sql<boolean>`passages MATCH ${match}`)
      .where(isAllowed)
      .executeTakeFirstOrThrow();
    if (frequencies.size >= MAX_KEPT_FREQUENCIES) frequencies.clear();
    frequencies.set(match, count);
    return count;
  }

  async function find(words: readonly string[], limit: number) {
    const match = toMatchExpression(words);
    if (match === null) return { passages: [], documentIds: [] };
    const isMatch = sql<boolean>`passages MATCH ${match}`;
    const matched = await db
      .selectFrom("passages")
      .select(documentId.as("id"))
      .distinct()
      .where(isMatch)
      .where(isAllowed)
      .execute();
    const found = await db
      .selectFrom("passages")
      .select(["rowid", "heading", "text", "place"])
      .where(isMatch)
      .where(isAllowed)
      // The row id makes the order of equals the same on every machine.
      .orderBy(RANK)
      .orderBy("rowid")
      .limit(limit)
      .execute();
    await readLeads(new Set(found.map((row) => documentIdOf(row.rowid))));
    return {
      passages: found.flatMap((row) => readPassage(row) ?? []),
      documentIds: matched.map((row) => row.id),
    };
  }

  async function readLeads(ids: ReadonlySet<number>): Promise<void> {
    const unread = [...ids].filter((id) => !leads.has(id));
    if (unread.length === 0) return;
    for (const id of unread) leads.set(id, "");
    const first = await db
      .selectFrom("passages")
      .select(["rowid", "heading", "text"])
      .where(
        "rowid",
        "in",
        unread.map((id) => sqlInteger(passageRange(id).first)),
      )
      .execute();
    for (const { rowid, heading, text } of first) {
      if (heading !== "") continue;
      leads.set(documentIdOf(rowid), splitSentences(fromIndexedText(text))[0] ?? "");
    }
  }

  /** The same object for the same passage, so that callers can cache by it (WeakMap). */
  function readPassage(row: Omit<PassagesTable, "title" | "dates">): FoundPassage | undefined {
    const document = documents.get(documentIdOf(row.rowid));
    if (document === undefined) return undefined;
    const known = keptPassages.get(row.rowid);
    if (known !== undefined) return known;
    const passage: FoundPassage = {
      document,
      position: row.rowid - passageRange(document.id).first,
      place: readPlace(row.place),
      lead: leads.get(document.id) ?? "",
      heading: fromIndexedText(row.heading),
      text: fromIndexedText(row.text),
    };
    if (keptPassages.size >= MAX_KEPT_PASSAGES) keptPassages.clear();
    keptPassages.set(row.rowid, passage);
    return passage;
  }

  async function searchQuery({ text, hints = "" }: SearchQuery, limit: number): Promise<Ranking> {
    const terms: QueryTerm[] = [];
    for (const { text: word, key } of splitWords(text)) {
      if (isStopWord(word) || terms.some((term) => term.word === word)) continue;
      const count = await countPassages([word]);
      terms.push({
        word,
        passages: count,
        weight: count === 0 ? 0 : Math.log(1 + (passageCount - count + 0.5) / (count + 0.5)),
        isIn: (other) =>
          isSpaceless(word) ? other.includes(word) : readWords(other).keys.has(key),
      });
    }
    const words = [...terms.map(({ word }) => word), ...splitWords(hints).map((w) => w.text)];
    const { passages, documentIds } = await find(words, limit);
    const ranked = passages.map((passage, index) => ({ ...passage, score: 1 / (index + 1) }));
    return { terms, passages: ranked, documentIds };
  }

  /** Checked by the statement that reads: the document may change at any time, and its hash stands for its text. */
  const isUnchanged = ({ id, hash }: IndexedDocument) =>
    sql<boolean>`EXISTS (SELECT 1 FROM documents WHERE id = ${id} AND content_hash = ${hash})`;

  async function readPassages(document: IndexedDocument, start: number, end: number) {
    const { first } = passageRange(document.id);
    const found = await db
      .selectFrom("passages")
      .select(["rowid", "heading", "text", "place"])
      .where("rowid", ">=", sqlInteger(first + Math.max(0, start)))
      .where("rowid", "<", sqlInteger(first + Math.min(end, document.passageCount)))
      .where(isUnchanged(document))
      .orderBy("rowid")
      .execute();
    return found.map(({ rowid, heading, text, place }) => ({
      document,
      position: rowid - first,
      heading: fromIndexedText(heading),
      text: fromIndexedText(text),
      place: readPlace(place),
    }));
  }

  async function outline(document: IndexedDocument, limit: number): Promise<OutlineEntry[]> {
    const { first } = passageRange(document.id);
    const found = await db
      .selectFrom("passages")
      .select((query) => ["heading", query.fn.min<number>("rowid").as("rowid")])
      .where("rowid", ">=", sqlInteger(first))
      .where("rowid", "<", sqlInteger(first + document.passageCount))
      .where(isUnchanged(document))
      .groupBy("heading")
      .orderBy("rowid")
      .limit(limit)
      .execute();
    return found.map(({ heading, rowid }) => ({
      heading: fromIndexedText(heading),
      position: rowid - first,
    }));
  }

  return {
    documentCount: documents.size,
    passageCount,
    countPassages,
    find,
    search: searchQuery,
    read: readPassages,
    outline,
  };
}
