import type { Logger } from "pino";
import type { Database } from "../../database/open-database.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type DocumentFile, listDocumentFiles } from "./document-folder.ts";
import { PASSAGES_PER_DOCUMENT, passageRange } from "./passage-rows.ts";
import {
  DocumentUnreadable,
  MAX_DOCUMENT_BYTES,
  readDocument,
  type SourceDocument,
} from "./read-document.ts";
import { toIndexedText } from "./words.ts";

/** What one synchronisation found and did. */
export interface SyncCounts {
  /** Documents in the index now. */
  documents: number;
  /** Files read because they were new or had changed. */
  indexed: number;
  /** Documents that left the index because their file is gone or can no longer be read. */
  removed: number;
  /** Files that cannot be sources; each was named in the log. */
  skipped: number;
}

/**
 * Brings the index of one folder up to date with what was there at `sinceMs` (epoch milliseconds) or later.
 * Throws `DocumentFolderUnusable`.
 */
export type SyncDocuments = (sinceMs: number) => Promise<SyncCounts>;

/** Rows per INSERT: few enough for SQLite's limit on bound values, many enough to make statements rare. */
const ROWS_PER_INSERT = 100;

/**
 * Creates the synchronisation of a folder (a real path). A file is read only when its size or time of change differs
 * from the index; each document is replaced in one transaction; callers at the same time share one pass, and so do
 * those who only need what an earlier pass saw: a thousand runs created together look at the folder once. Several
 * processes may synchronise the same folder: whoever comes second finds the work done.
 */
export function createDocumentSync(
  db: Database,
  folder: string,
  log: Logger,
  clock: Clock = systemClock,
): SyncDocuments {
  let running: Promise<SyncCounts> | null = null;
  /** The last pass that came to its end. */
  let latest: { startedMs: number; counts: SyncCounts } | null = null;
  /** Files that turned out not to be sources, by path, with the version that was looked at. */
  const skipped = new Map<string, string>();

  return async (sinceMs) => {
    if (latest !== null && latest.startedMs >= sinceMs)
      return { ...latest.counts, indexed: 0, removed: 0 };
    running ??= pass().finally(() => {
      running = null;
    });
    return running;
  };

  async function pass(): Promise<SyncCounts> {
    const startedMs = clock.now();
    const counts = await syncOnce();
    latest = { startedMs, counts };
    return counts;
  }

  async function syncOnce(): Promise<SyncCounts> {
    const { files, problems } = await listDocumentFiles(folder);
    for (const { path, reason } of problems) warnOnce(path, reason, reason);

    const known = await loadKnown();
    let indexed = 0;
    let unreadable = problems.length;
    for (const file of files) {
      const row = known.get(file.path);
      const isIndexed =
        (row !== undefined && isSameVersion(row, file)) || (await wasIndexedMeanwhile(file));
      if (isIndexed) {
        known.delete(file.path);
        continue;
      }
      const document = await readOrSkip(file);
      if (document === null) {
        unreadable += 1;
        continue;
      }
      known.delete(file.path);
      await replaceDocument(file, document);
      indexed += 1;
    }
    // What is left was indexed once, and is gone or unreadable now.
    for (const row of known.values()) await removeDocument(row.id);
    return {
      documents: files.length + problems.length - unreadable,
      indexed,
      removed: known.size,
      skipped: unreadable,
    };
  }

  async function loadKnown() {
    const rows = await db
      .selectFrom("documents")
      .select(["id", "path", "modified_ms", "size_bytes"])
      .where("folder", "=", folder)
      .execute();
    return new Map(rows.map((row) => [row.path, row]));
  }

  /** Another process may be at the same work: who finds a document done goes on to the next. */
  async function wasIndexedMeanwhile(file: DocumentFile): Promise<boolean> {
    const row = await db
      .selectFrom("documents")
      .select(["modified_ms", "size_bytes"])
      .where("folder", "=", folder)
      .where("path", "=", file.path)
      .executeTakeFirst();
    return row !== undefined && isSameVersion(row, file);
  }

  async function readOrSkip(file: DocumentFile): Promise<SourceDocument | null> {
    const version = `${file.modifiedMs}/${file.sizeBytes}`;
    if (skipped.get(file.path) === version) return null;
    try {
      if (file.sizeBytes > MAX_DOCUMENT_BYTES) {
        const limit = MAX_DOCUMENT_BYTES / 1024 / 1024;
        throw new DocumentUnreadable(`is larger than ${limit} MB; split it into smaller files`);
      }
      const document = await readDocument(file.absolutePath);
      for (const problem of document.problems) {
        log.warn({ path: file.path, folder }, `Document ${file.path}: ${problem}`);
      }
      return document;
    } catch (error) {
      if (!(error instanceof DocumentUnreadable)) throw error;
      warnOnce(file.path, version, error.message);
      return null;
    }
  }

  function warnOnce(path: string, version: string, reason: string): void {
    if (skipped.get(path) === version) return;
    skipped.set(path, version);
    log.warn({ path, folder }, `Document ${path} is not searched: it ${reason}`);
  }

  async function replaceDocument(file: DocumentFile, document: SourceDocument): Promise<void> {
    await db.transaction().execute(async (trx) => {
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
      const rows = passages.map((passage, position) => ({
        rowid: first + position,
        title: toIndexedText(document.title),
        heading: toIndexedText(passage.heading),
        text: toIndexedText(passage.text),
      }));
      for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
        await trx
          .insertInto("passages")
          .values(rows.slice(start, start + ROWS_PER_INSERT))
          .execute();
      }
    });
  }

  async function removeDocument(id: number): Promise<void> {
    await db.transaction().execute(async (trx) => {
      await deletePassages(trx, id);
      await trx.deleteFrom("documents").where("id", "=", id).execute();
    });
  }
}

async function deletePassages(trx: Database, documentId: number): Promise<void> {
  const { first, end } = passageRange(documentId);
  await trx.deleteFrom("passages").where("rowid", ">=", first).where("rowid", "<", end).execute();
}

function isSameVersion(
  row: { modified_ms: number; size_bytes: number },
  file: DocumentFile,
): boolean {
  return row.modified_ms === file.modifiedMs && row.size_bytes === file.sizeBytes;
}
