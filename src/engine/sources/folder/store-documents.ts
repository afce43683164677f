import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { DocumentFile } from "./document-folder.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import type { SourceDocument } from "../readers/read-document.ts";
import { jsonText } from "../../../text/json.ts";
import { writePlace } from "../place.ts";
import { dateWords } from "../text/dates.ts";
import { toIndexedText } from "../text/words.ts";

/**
 * A passage's row id is its document's id times this, plus its position: an FTS5 table can be searched only by row id
 * and by words, and so the passages of a document are one range. Ids stay exact up to 2^33 documents.
 */
export const PASSAGES_PER_DOCUMENT = 2 ** 20;

/** The row ids a document's passages may have: `first` is in, `end` is not. */
export function passageRange(documentId: number): { first: number; end: number } {
  const first = documentId * PASSAGES_PER_DOCUMENT;
  return { first, end: first + PASSAGES_PER_DOCUMENT };
}

/**
 * Casts a number to an integer. Large numbers are bound as floating point, and FTS5 would then scan the whole table.
 */
export const sqlInteger = (value: number) => sql<number>`CAST(${value} AS INTEGER)`;

export interface ReadFile {
  file: DocumentFile;
  document: SourceDocument;
}

/** Rows per INSERT: few enough for SQLite's limit on bound values, many enough to make statements rare. */
const ROWS_PER_INSERT = 100;

/** Replaces the documents in the index, in one transaction. Returns how many it stored. */
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
    if (stored > 0) await raiseVersion(trx);
    return stored;
  });
}

/** Another process may index the same folder; a document that it has stored is not stored again. */
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
    content_hash: hashOf(document),
    problems: document.problems.length > 0 ? jsonText(document.problems) : null,
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
      dates: dateWords(`${document.title}\n${passage.heading}\n${passage.text}`),
      place: writePlace(passage.place),
    }));
    await trx.insertInto("passages").values(rows).execute();
    await yieldToEventLoop();
  }
}

function hashOf({ title, passages }: SourceDocument): string {
  const hash = createHash("sha256").update(title);
  for (const { heading, text, place } of passages) {
    hash.update(`\0${heading}\0${text}\0${writePlace(place)}`);
  }
  return hash.digest("hex");
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
      await raiseVersion(trx);
    });
  }
  return ids.length;
}

async function deletePassages(trx: Database, documentId: number): Promise<void> {
  const { first, end } = passageRange(documentId);
  await trx
    .deleteFrom("passages")
    .where("rowid", ">=", sqlInteger(first))
    .where("rowid", "<", sqlInteger(end))
    .execute();
}

/** Invalidates what `openDocumentIndex` has cached, in every process. */
async function raiseVersion(trx: Database): Promise<void> {
  await trx
    .updateTable("document_index")
    .set({ version: sql<number>`version + 1` })
    .execute();
}
