import { type RawBuilder, sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import { readPlace } from "../place.ts";
import type { DocumentPassage, IndexedDocument, PassageReader } from "../source.ts";
import { fromIndexedText } from "../text/words.ts";
import {
  BEING_STORED,
  PASSAGES_PER_DOCUMENT,
  passageRange,
  sqlInteger,
} from "./store-documents.ts";

/** Reads an index by place and by words. */
export interface IndexReader extends PassageReader {
  /** The passages that match the FTS5 expression best by FTS5's own measure, with the documents they are of. */
  match(
    expression: string,
    condition: RawBuilder<boolean>,
    limit: number,
  ): Promise<DocumentPassage[]>;
  findDocument(id: string): Promise<IndexedDocument | null>;
}

export function createPassageReader(db: Database, folders: readonly string[]): IndexReader {
  async function match(expression: string, condition: RawBuilder<boolean>, limit: number) {
    // Rows are sorted without their texts, which takes half the time.
    const best = sql<number>`(SELECT rowid FROM passages WHERE passages MATCH ${expression} AND ${condition}
      ORDER BY bm25(passages) LIMIT ${sql.lit(limit)})`;
    const found = await db
      .selectFrom("passages")
      .innerJoin("documents", (join) =>
        join.on(
          "documents.id",
          "=",
          sql<number>`passages.rowid / ${sql.lit(PASSAGES_PER_DOCUMENT)}`,
        ),
      )
      .select(["passages.rowid", "heading", "text", "place"])
      .select(["id", "documents.title", "url", "published_on as publishedOn"])
      .select(["content_hash as hash", "passage_count as passageCount"])
      .where("passages.rowid", "in", best)
      // Another process may have stored documents of its own folder since the condition was made.
      .where("folder", "in", folders)
      // Half a document would be quoted as if it were the whole.
      .where("size_bytes", "!=", BEING_STORED)
      .orderBy("passages.rowid")
      .execute();
    return found.map(({ rowid, heading, text, place, ...document }) =>
      toPassage(document, { rowid, heading, text, place }),
    );
  }

  /** Checked by the statement that reads: the document may change at any time, and its hash stands for its text. */
  const isUnchanged = ({ id, hash }: IndexedDocument) =>
    sql<boolean>`EXISTS (SELECT 1 FROM documents WHERE id = ${id} AND content_hash = ${hash})`;

  async function read(document: IndexedDocument, start: number, end: number) {
    const { first } = passageRange(document.id);
    const found = await db
      .selectFrom("passages")
      .select(["rowid", "heading", "text", "place"])
      .where("rowid", ">=", sqlInteger(first + Math.max(0, start)))
      .where("rowid", "<", sqlInteger(first + Math.min(end, document.passageCount)))
      .where(isUnchanged(document))
      .orderBy("rowid")
      .execute();
    return found.map((row) => toPassage(document, row));
  }

  async function outline(document: IndexedDocument, limit: number) {
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

  async function findDocument(id: string): Promise<IndexedDocument | null> {
    const found = await db
      .selectFrom("documents")
      .select(["id", "title", "url", "published_on as publishedOn", "content_hash as hash"])
      .select("passage_count as passageCount")
      .where("id", "=", Number(id))
      .where("folder", "in", folders)
      .executeTakeFirst();
    return found !== undefined && String(found.id) === id ? found : null;
  }

  return { match, read, outline, findDocument };
}

function toPassage(
  document: IndexedDocument,
  row: { rowid: number; heading: string; text: string; place: string },
): DocumentPassage {
  return {
    document,
    position: row.rowid - passageRange(document.id).first,
    heading: fromIndexedText(row.heading),
    text: fromIndexedText(row.text),
    place: readPlace(row.place),
  };
}
