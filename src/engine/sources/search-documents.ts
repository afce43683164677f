import { sql } from "kysely";
import type { Database } from "../../database/open-database.ts";
import type { SourcePolicy } from "../../task-api/run-input.ts";
import { documentIdOf, PASSAGES_PER_DOCUMENT } from "./passage-rows.ts";
import { isAllowedSource } from "./source-policy-filter.ts";
import { fromIndexedText, toMatchExpression } from "./words.ts";

/** A document of the index, as an answer cites it. */
export interface IndexedDocument {
  id: number;
  title: string;
  url: string;
  publishedOn: string | null;
}

export interface FoundPassage {
  document: IndexedDocument;
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

/** Prepares searches over what the folder's index holds now, limited to the sources that the policy allows. */
export async function openDocumentSearch(
  db: Database,
  folder: string,
  policy: SourcePolicy | null | undefined,
): Promise<DocumentSearch> {
  const rows = await db
    .selectFrom("documents")
    .select(["id", "title", "url", "published_on as publishedOn", "passage_count as passageCount"])
    .where("folder", "=", folder)
    .execute();
  const documents = new Map(
    rows.filter((row) => isAllowedSource(row, policy)).map((row) => [row.id, row]),
  );
  const allowedIds = JSON.stringify([...documents.keys()]);
  const documentId = sql<number>`rowid / ${sql.lit(PASSAGES_PER_DOCUMENT)}`;
  const isAllowed = sql<boolean>`${documentId} IN (SELECT value FROM json_each(${allowedIds}))`;
  let passageCount = 0;
  for (const document of documents.values()) passageCount += document.passageCount;
  const frequencies = new Map<string, number>();

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
    const passages = found.flatMap((row): FoundPassage[] => {
      const document = documents.get(documentIdOf(row.rowid));
      if (document === undefined) return [];
      return [{ document, heading: fromIndexedText(row.heading), text: fromIndexedText(row.text) }];
    });
    return { passages, documentIds: matched.map((row) => row.id) };
  }

  return { documentCount: documents.size, passageCount, countPassages, find };
}
