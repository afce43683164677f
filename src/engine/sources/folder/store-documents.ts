import { createHash, type Hash } from "node:crypto";
import { type Insertable, sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { DocumentsTable } from "../../../database/schema.ts";
import type { DocumentFile } from "./document-folder.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import type { SourceDocument } from "../readers/read-document.ts";
import { jsonText } from "../../../text/json.ts";
import { writePlace } from "../place.ts";
import type { Passage } from "../source.ts";
import { dateWords } from "../text/dates.ts";
import { toIndexedText } from "../text/words.ts";

/**
 * A passage's row id is its document's id times this, plus its position: an FTS5 table can be searched only by row id
 * and by words, and so the passages of a document are one range. Ids stay exact up to 2^33 documents.
 */
export const PASSAGES_PER_DOCUMENT = 2 ** 20;

/** The size of a document that is being stored: no file has it, so that one left behind is read again. */
export const BEING_STORED = -1;

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
/** Rows per DELETE: it takes some ten milliseconds. */
const ROWS_PER_DELETE = 200;

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
      if (isVersion(await findDocument(trx, folder, file), file)) continue;
      await storeDocument(trx, folder, file, document);
      stored += 1;
      await yieldToEventLoop();
    }
    if (stored > 0) await raiseVersion(trx);
    return stored;
  });
}

/** What the index has of the file: another process may index the same folder. */
export async function findDocument(db: Database, folder: string, { path }: DocumentFile) {
  return db
    .selectFrom("documents")
    .select(["id", "modified_ms", "size_bytes", "content_hash", "problems"])
    .where("folder", "=", folder)
    .where("path", "=", path)
    .executeTakeFirst();
}

/** Whether the index has this version of the file. */
export function isVersion(
  row: Pick<DocumentsTable, "modified_ms" | "size_bytes"> | undefined,
  file: DocumentFile,
): boolean {
  return row?.modified_ms === file.modifiedMs && row.size_bytes === file.sizeBytes;
}

async function storeDocument(
  trx: Database,
  folder: string,
  file: DocumentFile,
  document: SourceDocument,
): Promise<void> {
  const { title, passages } = document;
  const hash = hashTitle(title);
  hashPassages(hash, passages);
  const id = await putDocument(trx, folder, file.path, {
    modified_ms: file.modifiedMs,
    size_bytes: file.sizeBytes,
    title,
    url: document.url,
    published_on: document.publishedOn,
    passage_count: passages.length,
    content_hash: hash.digest("hex"),
    problems: writeProblems(document.problems),
  });
  await deletePassages(trx, id);
  await insertPassages(trx, { first: passageRange(id).first, title, passages });
}

/** Adds or replaces the row of a document. Returns its id. */
export async function putDocument(
  db: Database,
  folder: string,
  path: string,
  values: Omit<Insertable<DocumentsTable>, "id" | "folder" | "path">,
): Promise<number> {
  const row = await db
    .insertInto("documents")
    .values({ folder, path, ...values })
    .onConflict((conflict) => conflict.columns(["folder", "path"]).doUpdateSet(values))
    .returning("id")
    .executeTakeFirstOrThrow();
  return row.id;
}

/** The column `problems`. */
export function writeProblems(problems: readonly string[]): string | null {
  return problems.length > 0 ? jsonText(problems) : null;
}

/** Adds passages of the document with that title, under the row ids from `first` on. */
export async function insertPassages(
  trx: Database,
  { first, title, passages }: { first: number; title: string; passages: readonly Passage[] },
): Promise<void> {
  for (let start = 0; start < passages.length; start += ROWS_PER_INSERT) {
    const rows = passages.slice(start, start + ROWS_PER_INSERT).map((passage, position) => ({
      rowid: first + start + position,
      title: toIndexedText(title),
      heading: toIndexedText(passage.heading),
      text: toIndexedText(passage.text),
      dates: dateWords(`${title}\n${passage.heading}\n${passage.text}`),
      place: writePlace(passage.place),
    }));
    await trx.insertInto("passages").values(rows).execute();
    await yieldToEventLoop();
  }
}

/** The hash of a document's content begins with its title; {@link hashPassages} adds the rest. */
export function hashTitle(title: string): Hash {
  return createHash("sha256").update(title);
}

export function hashPassages(hash: Hash, passages: readonly Passage[]): void {
  for (const { heading, text, place } of passages) {
    hash.update(`\0${heading}\0${text}\0${writePlace(place)}`);
  }
}

/** Takes the documents with these ids out of the index, some at a time. Returns how many they are. */
export async function removeDocuments(db: Database, ids: readonly number[]): Promise<number> {
  for (let start = 0; start < ids.length; start += ROWS_PER_INSERT) {
    const some = ids.slice(start, start + ROWS_PER_INSERT);
    for (const id of await findLarge(db, some)) await deletePassages(db, id);
    await db.transaction().execute(async (trx) => {
      for (const id of some) await deletePassages(trx, id);
      await trx.deleteFrom("documents").where("id", "in", some).execute();
      await raiseVersion(trx);
    });
  }
  return ids.length;
}

/** Those of the documents that have too many passages to be removed in one transaction. */
async function findLarge(db: Database, ids: readonly number[]): Promise<number[]> {
  const rows = await db
    .selectFrom("documents")
    .select("id")
    .where("id", "in", ids)
    .where((where) =>
      where.or([where("passage_count", ">", ROWS_PER_DELETE), where("size_bytes", "<", 0)]),
    )
    .execute();
  return rows.map(({ id }) => id);
}

async function deletePassages(db: Database, documentId: number): Promise<void> {
  while (await deleteSomePassages(db, documentId)) await yieldToEventLoop();
}

/** Takes some passages of a document out of the index. Returns whether there may be more. */
export async function deleteSomePassages(db: Database, documentId: number): Promise<boolean> {
  const { first, end } = passageRange(documentId);
  const some = sql`(
    SELECT rowid FROM passages
    WHERE rowid >= ${sqlInteger(first)} AND rowid < ${sqlInteger(end)} LIMIT ${ROWS_PER_DELETE}
  )`;
  const result = await db
    .deleteFrom("passages")
    .where(sql<boolean>`rowid IN ${some}`)
    .executeTakeFirst();
  return Number(result.numDeletedRows) === ROWS_PER_DELETE;
}

/** Invalidates what `openDocumentIndex` has cached, in every process. */
export async function raiseVersion(trx: Database): Promise<void> {
  await trx
    .updateTable("document_index")
    .set({ version: sql<number>`version + 1` })
    .execute();
}
