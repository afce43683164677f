import { sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { DocumentFile } from "./document-folder.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import { PASSAGES_PER_DOCUMENT, passageRange } from "./passage-rows.ts";
import type { SourceDocument } from "../readers/read-document.ts";
import { toIndexedText } from "../text/words.ts";

export interface ReadFile {
  file: DocumentFile;
  document: SourceDocument;
}

/** Rows per INSERT: few enough for SQLite's limit on bound values, many enough to make statements rare. */
const ROWS_PER_INSERT = 100;

/** Puts the documents into the index, in one transaction, in place of what it held of them. Returns how many it stored. */
export async function storeDocuments(
  db: Database,
  folder: string,
  batch: readonly ReadFile[],
): Promise<number> {
  if (batch.length === 0) return 0;
  return db.transaction().execute(async (trx) => {
    let stored = 0;
    for (const { file, document } of batch) {
      if (await wasIndexedMeanwhile(trx, folder, file)) continue;
      await storeDocument(trx, folder, file, document);
      stored += 1;
      await yieldToEventLoop();
    }
    if (stored > 0) await tellOfChange(trx);
    return stored;
  });
}

/** Another process may be at the same work: who finds a document done goes on to the next. */
async function wasIndexedMeanwhile(
  trx: Database,
  folder: string,
  file: DocumentFile,
): Promise<boolean> {
  const row = await trx
    .selectFrom("documents")
    .select(["modified_ms", "size_bytes"])
    .where("folder", "=", folder)
    .where("path", "=", file.path)
    .executeTakeFirst();
  return row?.modified_ms === file.modifiedMs && row.size_bytes === file.sizeBytes;
}

async function storeDocument(
  trx: Database,
  folder: string,
  file: DocumentFile,
  document: SourceDocument,
): Promise<void> {
  const passages = document.passages.slice(0, PASSAGES_PER_DOCUMENT);
  const values = {
    modified_ms: file.modifiedMs,
    size_bytes: file.sizeBytes,
    title: document.title,
    url: document.url,
    published_on: document.publishedOn,
    passage_count: passages.length,
  };
  const row = await trx
    .insertInto("documents")
    .values({ folder, path: file.path, ...values })
    .onConflict((conflict) => conflict.columns(["folder", "path"]).doUpdateSet(values))
    .returning("id")
    .executeTakeFirstOrThrow();
  await deletePassages(trx, row.id);
  const { first } = passageRange(row.id);
  for (let start = 0; start < passages.length; start += ROWS_PER_INSERT) {
    const rows = passages.slice(start, start + ROWS_PER_INSERT).map((passage, position) => ({
      rowid: first + start + position,
      title: toIndexedText(document.title),
      heading: toIndexedText(passage.heading),
      text: toIndexedText(passage.text),
    }));
    await trx.insertInto("passages").values(rows).execute();
    await yieldToEventLoop();
  }
}

/** Takes the documents with these ids out of the index, some at a time. Returns how many they are. */
export async function removeDocuments(db: Database, ids: readonly number[]): Promise<number> {
  for (let start = 0; start < ids.length; start += ROWS_PER_INSERT) {
    const some = ids.slice(start, start + ROWS_PER_INSERT);
    await db.transaction().execute(async (trx) => {
      for (const id of some) {
        await deletePassages(trx, id);
        await yieldToEventLoop();
      }
      await trx.deleteFrom("documents").where("id", "in", some).execute();
      await tellOfChange(trx);
    });
  }
  return ids.length;
}

async function deletePassages(trx: Database, documentId: number): Promise<void> {
  const { first, end } = passageRange(documentId);
  // Large numbers arrive as floating point, with which FTS5 would look at every row of the table.
  const integer = (value: number) => sql<number>`CAST(${value} AS INTEGER)`;
  await trx
    .deleteFrom("passages")
    .where("rowid", ">=", integer(first))
    .where("rowid", "<", integer(end))
    .execute();
}

/** Whoever keeps what he read of the index compares the number: see `openDocumentIndex`. */
async function tellOfChange(trx: Database): Promise<void> {
  await trx
    .updateTable("document_index")
    .set({ version: sql<number>`version + 1` })
    .execute();
}
