import type { Hash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Updateable } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import { createProcessOwner, ownerHasEnded } from "../../../database/process-owner.ts";
import type { DocumentsTable } from "../../../database/schema.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import type { DocumentPart } from "../readers/document-parts.ts";
import { completeHead, readDocumentParts } from "../readers/read-document.ts";
import type { Passage } from "../source.ts";
import type { DocumentFile } from "./document-folder.ts";
import {
  BEING_STORED,
  deleteSomePassages,
  findDocument,
  hashPassages,
  hashTitle,
  insertPassages,
  isVersion,
  passageRange,
  PASSAGES_PER_DOCUMENT,
  putDocument,
  raiseVersion,
  removeDocuments,
  writeProblems,
} from "./store-documents.ts";

/** A transaction of so many is over within a tenth of a second; with fewer, the index would be merged more often. */
const PASSAGES_PER_PIECE = 500;
/** A process that stored nothing for so long has ended, where that cannot be known. Pieces come within seconds. */
const HELD_MS = 30_000;
/** How often is looked whether another process has stored the document. */
const CHECK_MS = 100;

/** Another process has taken over the document. */
class DocumentTaken extends Error {
  override readonly name = "DocumentTaken";
}

/**
 * Reads a file and stores what comes, piece by piece, so that neither its size nor that of its index counts. Returns its
 * problems, and null when another process has stored it meanwhile. Throws what {@link readDocumentParts} throws.
 */
export async function storeInPieces(
  db: Database,
  folder: string,
  file: DocumentFile,
  signal: AbortSignal,
): Promise<string[] | null> {
  for (;;) {
    const storing = new StoredPieces(db, folder, file, signal);
    try {
      return await storing.store(readDocumentParts(file.absolutePath, signal));
    } catch (error) {
      if (error instanceof DocumentTaken) continue;
      await storing.undo();
      throw error;
    }
  }
}

class StoredPieces {
  readonly #db: Database;
  readonly #folder: string;
  readonly #file: DocumentFile;
  readonly #signal: AbortSignal;
  readonly #owner = createProcessOwner();
  readonly #problems: string[] = [];
  #head: ReturnType<typeof completeHead>;
  #hash: Hash;
  #id: number | null = null;
  #stored = 0;
  #waiting: Passage[] = [];

  constructor(db: Database, folder: string, file: DocumentFile, signal: AbortSignal) {
    this.#db = db;
    this.#folder = folder;
    this.#file = file;
    this.#signal = signal;
    this.#head = completeHead(file.absolutePath, null);
    this.#hash = hashTitle(this.#head.title);
  }

  async store(parts: AsyncIterable<DocumentPart>): Promise<string[] | null> {
    for await (const part of parts) {
      if (part.kind === "head") {
        this.#head = completeHead(this.#file.absolutePath, part.head);
        this.#hash = hashTitle(this.#head.title);
        if (!(await this.#claim())) return null;
      } else if (part.kind === "problems") {
        this.#problems.push(...part.problems);
      } else {
        this.#waiting.push(...part.passages);
        if (this.#waiting.length >= PASSAGES_PER_PIECE) await this.#storePiece();
        if (this.#stored === PASSAGES_PER_DOCUMENT) break;
      }
    }
    await this.#storePiece();
    if (this.#stored === PASSAGES_PER_DOCUMENT) {
      this.#problems.push(
        `only its first ${PASSAGES_PER_DOCUMENT} passages are searched; split it`,
      );
    }
    await this.#finish();
    return this.#problems;
  }

  /** Takes the part that is stored out of the index. */
  async undo(): Promise<void> {
    if (this.#id === null) return;
    if (!this.#signal.aborted) await removeDocuments(this.#db, [this.#id]);
    // The database is about to close. What is left is replaced when the file is read again.
    else await this.#update(this.#db, { modified_ms: 0 }).catch(() => undefined);
  }

  /** Waits until no other process stores the document. Returns false when it is stored then. */
  async #claim(): Promise<boolean> {
    for (;;) {
      const row = await findDocument(this.#db, this.#folder, this.#file);
      if (isVersion(row, this.#file)) return false;
      const isHeld =
        row?.size_bytes === BEING_STORED &&
        !ownerHasEnded(row.content_hash) &&
        row.modified_ms > Date.now() - HELD_MS;
      if (!isHeld) break;
      await setTimeout(CHECK_MS, undefined, { signal: this.#signal });
    }
    this.#id = await putDocument(this.#db, this.#folder, this.#file.path, {
      modified_ms: Date.now(),
      size_bytes: BEING_STORED,
      title: this.#head.title,
      url: this.#head.url,
      published_on: this.#head.publishedOn,
      passage_count: 0,
      // No other document has it, so that what a run sees meanwhile is kept as what it is.
      content_hash: this.#owner,
      problems: null,
    });
    // What an earlier version has, or a process that ended.
    while (await this.#deleteSome(this.#id)) await yieldToEventLoop();
    return true;
  }

  async #deleteSome(id: number): Promise<boolean> {
    return this.#db.transaction().execute(async (trx) => {
      await this.#update(trx, { modified_ms: Date.now() });
      return deleteSomePassages(trx, id);
    });
  }

  async #storePiece(): Promise<void> {
    const id = this.#id;
    const passages = this.#waiting.slice(0, PASSAGES_PER_DOCUMENT - this.#stored);
    this.#waiting = [];
    if (id === null || passages.length === 0) return;
    await this.#db.transaction().execute(async (trx) => {
      await this.#update(trx, { modified_ms: Date.now() });
      const first = passageRange(id).first + this.#stored;
      await insertPassages(trx, { first, title: this.#head.title, passages });
    });
    hashPassages(this.#hash, passages);
    this.#stored += passages.length;
  }

  async #finish(): Promise<void> {
    await this.#db.transaction().execute(async (trx) => {
      await this.#update(trx, {
        modified_ms: this.#file.modifiedMs,
        size_bytes: this.#file.sizeBytes,
        passage_count: this.#stored,
        content_hash: this.#hash.digest("hex"),
        problems: writeProblems(this.#problems),
      });
      await raiseVersion(trx);
    });
  }

  /** Changes the row of the document. Throws {@link DocumentTaken}. */
  async #update(db: Database, values: Updateable<DocumentsTable>): Promise<void> {
    const result = await db
      .updateTable("documents")
      .set(values)
      .where("id", "=", this.#id ?? -1)
      .where("content_hash", "=", this.#owner)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n) throw new DocumentTaken();
  }
}
