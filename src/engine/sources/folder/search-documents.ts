import { sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { PassagesTable } from "../../../database/schema.ts";
import type { SourcePolicy } from "../../../task-api/run-input.ts";
import { documentIdOf, PASSAGES_PER_DOCUMENT, passageRange } from "./passage-rows.ts";
import { splitSentences } from "../text/sentences.ts";
import { type SourcePlace, createSourceFilter } from "../source-policy-filter.ts";
import { type UnknownSources, createSourceNames } from "./source-names.ts";
import { fromIndexedText, toMatchExpression } from "../text/words.ts";

/** A document of the index, as an answer cites it. */
export interface IndexedDocument {
  id: number;
  title: string;
  url: string;
  publishedOn: string | null;
}

export interface FoundPassage {
  document: IndexedDocument;
  /** The first sentence of the document, where it stands before all headings: it says what the whole is about. */
  lead?: string;
  heading: string;
  /** Verbatim, one paragraph, list item or table row per line. */
  text: string;
  /** What the text is about, as it stands around it; the title and the heading, unless it is given. */
  subject?: string;
}

/** The documents of one folder that one run may use. */
export interface DocumentSearch {
  /** How many documents are searched. */
  readonly documentCount: number;
  /** How many passages of the folder there are: what frequencies are compared with. */
  readonly passageCount: number;
  /** In how many passages any of the words occurs, in any of its forms. */
  countPassages(words: readonly string[]): Promise<number>;
  /** The best passages that hold any of the words, best first, and every document that holds one. */
  find(
    words: readonly string[],
    limit: number,
  ): Promise<{ passages: FoundPassage[]; documentIds: number[] }>;
}

/** A word of the title says most about a passage, its heading more than its text. Order of the columns: see the schema. */
const RANK = sql<number>`bm25(passages, 4.0, 2.0, 1.0)`;

/** The searchable documents of one folder. */
export interface DocumentIndex {
  /** Prepares searches over what the index holds now, limited to the sources that the policy allows. */
  search(policy: SourcePolicy | null | undefined): Promise<DocumentSearch>;
  /** What of the policy names no document; null for nothing. */
  unknownSources(policy: SourcePolicy): Promise<UnknownSources | null>;
}

interface DocumentRow extends IndexedDocument {
  passageCount: number;
  place: SourcePlace;
}

/** What was read of an index, kept until a document changes. */
interface KeptIndex {
  version: number;
  rows: readonly DocumentRow[];
  names: ReturnType<typeof createSourceNames>;
  /** Whether the database has no documents of other folders. */
  isAlone: boolean;
  passages: Map<number, FoundPassage>;
  /** First sentences, by document. */
  leads: Map<number, string>;
  /** In how many passages of the whole folder a match expression is found. */
  frequencies: Map<string, number>;
}

/** A few megabytes; when there are more, all are forgotten. */
const MAX_KEPT_PASSAGES = 1_000;
const MAX_KEPT_FREQUENCIES = 10_000;

/** Opens the index of folders. Runs that come one after the other read the same: it remembers what they read. */
export function openDocumentIndex(db: Database, folders: readonly string[]): DocumentIndex {
  let kept: KeptIndex | null = null;

  async function current(): Promise<KeptIndex> {
    const { version } = await db
      .selectFrom("document_index")
      .select("version")
      .executeTakeFirstOrThrow();
    // A change between this and the next line is read twice, never missed.
    if (kept?.version !== version) kept = await readIndex(db, folders, version);
    return kept;
  }

  return {
    search: async (policy) => searchIn(db, await current(), policy),
    unknownSources: async (policy) => (await current()).names.unknownIn(policy),
  };
}

async function readIndex(
  db: Database,
  folders: readonly string[],
  version: number,
): Promise<KeptIndex> {
  const found = await db
    .selectFrom("documents")
    .select(["id", "title", "url", "published_on as publishedOn", "passage_count as passageCount"])
    .select(["folder", "path"])
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
): DocumentSearch {
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
      .select(["rowid", "heading", "text"])
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
        unread.map((id) => sql<number>`CAST(${passageRange(id).first} AS INTEGER)`),
      )
      .execute();
    for (const { rowid, heading, text } of first) {
      if (heading !== "") continue;
      leads.set(documentIdOf(rowid), splitSentences(fromIndexedText(text))[0] ?? "");
    }
  }

  /** The same object for the same passage, so that what is found out about it can be kept too. */
  function readPassage(row: Omit<PassagesTable, "title">): FoundPassage | undefined {
    const document = documents.get(documentIdOf(row.rowid));
    if (document === undefined) return undefined;
    const known = keptPassages.get(row.rowid);
    if (known !== undefined) return known;
    const passage: FoundPassage = {
      document,
      lead: leads.get(document.id) ?? "",
      heading: fromIndexedText(row.heading),
      text: fromIndexedText(row.text),
    };
    if (keptPassages.size >= MAX_KEPT_PASSAGES) keptPassages.clear();
    keptPassages.set(row.rowid, passage);
    return passage;
  }

  return { documentCount: documents.size, passageCount, countPassages, find };
}
