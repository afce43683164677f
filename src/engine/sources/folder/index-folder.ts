import type { Logger } from "pino";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { DocumentsTable } from "../../../database/schema.ts";
import { parseJson } from "../../../text/json.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import { DocumentTooCostly, DocumentUnreadable } from "../document.ts";
import { FileGone } from "../readers/open-file.ts";
import { readDocument } from "../readers/read-document.ts";
import {
  forgetCostlyFiles,
  loadCostlyFiles,
  rememberCostlyFile,
  type UnreadVersion,
  versionOf,
} from "./costly-files.ts";
import { type DocumentFile, listDocumentFiles } from "./document-folder.ts";
import type { FolderWatch } from "./folder-watch.ts";
import { isVersion, removeDocuments, storeDocuments } from "./store-documents.ts";
import { storeInPieces } from "./store-pieces.ts";
import { PassFindings, type UnreadFiles } from "./unread-files.ts";

/** The counts of one synchronisation. */
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

/** The result of one pass over the folder. */
export interface FolderPass {
  counts: SyncCounts;
  unread: UnreadFiles;
  /** The watch's number of changes when the pass began. */
  changes: number;
  /** How long listing the folder and comparing it with the index took. */
  listedMs: number;
}

/** Files that are read at once and stored in one transaction: few and small, so that it is over within milliseconds. */
const BATCH = { files: 16, bytes: 256 * 1024 };

/** Updates the index of one folder, one pass at a time. */
export class FolderIndexer {
  /** How far the pass under way is; null while it lists the folder, and when none is. */
  progress: { done: number; total: number } | null = null;
  readonly #db: Database;
  readonly #folder: string;
  readonly #watch: FolderWatch;
  readonly #log: Logger;
  readonly #clock: Pick<Clock, "elapsedMs">;
  /** Files that turned out not to be sources, by path, with the version that was read. */
  readonly #unreadable = new Map<string, UnreadVersion>();
  /** Those that no program needs to try again. */
  #costly: ReadonlyMap<string, UnreadVersion> = new Map();
  #storing: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor({
    db,
    folder,
    watch,
    log,
    clock,
  }: {
    db: Database;
    folder: string;
    watch: FolderWatch;
    log: Logger;
    clock: Pick<Clock, "elapsedMs">;
  }) {
    this.#db = db;
    this.#folder = folder;
    this.#watch = watch;
    this.#log = log;
    this.#clock = clock;
  }

  /** Reads the files that are new or changed, and removes the documents whose file is gone. */
  async pass(): Promise<FolderPass> {
    const beganMs = this.#clock.elapsedMs();
    const { changes } = this.#watch;
    const { files, problems, otherKinds } = await this.#list();
    const known = await this.#loadKnown();
    if (!this.#closing.signal.aborted) {
      this.#costly = await loadCostlyFiles(this.#db, this.#folder);
    }
    const listedMs = this.#clock.elapsedMs() - beganMs;

    const findings = new PassFindings(files, problems, otherKinds);
    for (const { path, reason } of problems) this.#warnOnce(path, reason, reason);
    const changed = files.filter((file) => !isKnown(known, file, findings));
    const indexed = await this.#indexAll(changed, findings);

    const searched = findings.searched();
    const gone = [...known].flatMap(([path, { id }]) => (searched.has(path) ? [] : [id]));
    await this.#store(() => removeDocuments(this.#db, gone));
    const readable = [...this.#costly.keys()].filter((path) => !findings.skipped.has(path));
    await this.#store(() => forgetCostlyFiles(this.#db, this.#folder, readable));
    for (const path of this.#unreadable.keys()) {
      if (!findings.skipped.has(path)) this.#unreadable.delete(path);
    }
    return {
      counts: {
        documents: searched.size,
        indexed,
        removed: gone.length,
        skipped: findings.skipped.size,
      },
      unread: findings.unread(),
      changes,
      listedMs,
    };
  }

  /** Ends the pass under way, and resolves when the database is not used any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    // The callers of the pass get the error.
    await this.#storing.catch(() => undefined);
  }

  /** Watches each folder before its entries are read, so that no change between the two is missed. */
  async #list() {
    const entered = new Set<string>();
    const listing = await listDocumentFiles(this.#folder, (entry) => {
      entered.add(entry);
      this.#watch.enter(entry);
    });
    this.#watch.keepOnly(entered);
    return listing;
  }

  /** Reads and stores the files, batch by batch. */
  async #indexAll(files: readonly DocumentFile[], findings: PassFindings): Promise<number> {
    let indexed = 0;
    let done = 0;
    try {
      for (const batch of toBatches(files)) {
        if (this.#closing.signal.aborted) break;
        this.progress = { done, total: files.length };
        // Another process may have indexed them since the folder was listed.
        const known = await this.#loadKnown(batch.map(({ path }) => path));
        const changed = batch.filter((file) => !isKnown(known, file, findings));
        const isLarge = batch.some(({ sizeBytes }) => sizeBytes > BATCH.bytes);
        indexed += await (isLarge
          ? this.#indexInPieces(changed, findings)
          : this.#indexBatch(changed, findings));
        done += batch.length;
      }
    } finally {
      this.progress = null;
    }
    return indexed;
  }

  async #indexBatch(files: readonly DocumentFile[], findings: PassFindings): Promise<number> {
    const read = await Promise.all(
      files.map(async (file) => {
        const document = await this.#attempt(file, findings, () =>
          readDocument(file.absolutePath, this.#closing.signal),
        );
        if (document === null) return [];
        this.#addProblems(file, document.problems, findings);
        return [{ file, document }];
      }),
    );
    await yieldToEventLoop();
    return this.#store(() => storeDocuments(this.#db, this.#folder, read.flat()));
  }

  async #indexInPieces(files: readonly DocumentFile[], findings: PassFindings): Promise<number> {
    let indexed = 0;
    for (const file of files) {
      indexed += await this.#store(async () => {
        const problems = await this.#attempt(file, findings, () =>
          storeInPieces(this.#db, this.#folder, file, this.#closing.signal),
        );
        if (problems !== null) {
          this.#addProblems(file, problems, findings);
          return 1;
        }
        // Another process may have stored it, with problems.
        isKnown(await this.#loadKnown([file.path]), file, findings);
        return 0;
      });
    }
    return indexed;
  }

  /** Works in the database, unless that may be closed at any moment. */
  async #store(work: () => Promise<number | void>): Promise<number> {
    if (this.#closing.signal.aborted) return 0;
    const result = work();
    this.#storing = result;
    return (await result) ?? 0;
  }

  /** The documents of the folder that are indexed, or those of them with these paths. */
  async #loadKnown(paths?: readonly string[]) {
    if (this.#closing.signal.aborted) return new Map<string, KnownDocument & { id: number }>();
    const rows = await this.#db
      .selectFrom("documents")
      .select(["id", "path", "modified_ms", "size_bytes", "problems"])
      .where("folder", "=", this.#folder)
      .$if(paths !== undefined, (query) => query.where("path", "in", paths ?? []))
      .execute();
    return new Map(rows.map((row) => [row.path, row]));
  }

  /** The result of reading the file; null for one that cannot be read. */
  async #attempt<Result>(
    file: DocumentFile,
    findings: PassFindings,
    read: () => Promise<Result>,
  ): Promise<Result | null> {
    const version = versionOf(file);
    const known = [this.#unreadable.get(file.path), this.#costly.get(file.path)].find(
      (unread) => unread?.version === version,
    );
    if (known !== undefined) {
      findings.skipped.set(file.path, known.reason);
      this.#warnOnce(file.path, version, known.reason);
      return null;
    }
    try {
      return await read();
    } catch (error) {
      if (this.#closing.signal.aborted) return null;
      if (error instanceof FileGone) {
        findings.addGone(file.path);
        return null;
      }
      if (!(error instanceof DocumentUnreadable)) throw error;
      findings.skipped.set(file.path, error.message);
      this.#warnOnce(file.path, version, error.message);
      if (error instanceof DocumentTooCostly) {
        await rememberCostlyFile(this.#db, this.#folder, file, error.message);
      }
      return null;
    }
  }

  #addProblems({ path }: DocumentFile, problems: readonly string[], findings: PassFindings): void {
    findings.addRead(path, problems);
    for (const problem of problems) {
      this.#log.warn({ path, folder: this.#folder }, `Document ${path}: ${problem}`);
    }
  }

  #warnOnce(path: string, version: string, reason: string): void {
    if (this.#unreadable.get(path)?.version === version) return;
    this.#unreadable.set(path, { version, reason });
    const fields = { path, folder: this.#folder };
    this.#log.warn(fields, `Document ${path} is not searched: it ${reason}`);
  }
}

function* toBatches(files: readonly DocumentFile[]): Generator<DocumentFile[], void> {
  let batch: DocumentFile[] = [];
  let bytes = 0;
  for (const file of files) {
    const isFull = batch.length === BATCH.files || bytes + file.sizeBytes > BATCH.bytes;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

type KnownDocument = Pick<DocumentsTable, "modified_ms" | "size_bytes" | "problems">;

/** Whether the index has this version of the file; then its problems are known too. */
function isKnown(
  known: ReadonlyMap<string, KnownDocument>,
  file: DocumentFile,
  findings: PassFindings,
): boolean {
  const row = known.get(file.path);
  if (row === undefined || !isVersion(row, file)) return false;
  if (row.problems !== null) findings.addRead(file.path, Problems.parse(parseJson(row.problems)));
  return true;
}

/** The column `problems`. */
const Problems = z.array(z.string());
