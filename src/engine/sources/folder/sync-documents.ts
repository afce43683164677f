import type { Logger } from "pino";
import type { Database } from "../../../database/open-database.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import { type DocumentFile, listDocumentFiles } from "./document-folder.ts";
import { DocumentUnreadable } from "../readers/document-unreadable.ts";
import { type FolderWatch, hearOfChanges, watchFolder } from "./folder-watch.ts";
import { readDocument } from "../readers/read-document.ts";
import { type ReadFile, removeDocuments, storeDocuments } from "./store-documents.ts";

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

/** A file that is not searched, and why, in words that follow its name. */
export interface SkippedFile {
  path: string;
  reason: string;
}

/** Keeps the index of one folder up to date. */
export interface DocumentSync {
  /** Brings the index up to date with what was there at `sinceMs` (epoch milliseconds) or later. Throws `DocumentFolderUnusable`. */
  sync(sinceMs: number): Promise<SyncCounts>;
  /** How far the pass under way is; null while it lists the folder, and when none is. */
  readonly progress: { done: number; total: number } | null;
  /** Of the last pass. */
  readonly skipped: readonly SkippedFile[];
  /** Ends the pass under way, stops watching, and resolves when the database is not used any more. */
  close(): Promise<void>;
}

/** Files that are read at once and stored in one transaction: few and small, so that it is over within milliseconds. */
const BATCH = { files: 16, bytes: 256 * 1024 };

/**
 * Where nothing tells of changes (network folders, more folders than can be watched) only looking helps, and so the
 * folder is looked at although no change was noticed, in so small a part of the time that nobody feels it: a folder of
 * twenty files at every run, one of ten thousand every few seconds.
 */
const LOOKING_SHARE = 0.05;

/**
 * Creates the synchronisation of a folder (a real path). A file is read only when its size or time of change differs
 * from the index. Callers share a pass that began after what they need to see, and an earlier one as long as no change
 * is noticed: a thousand runs created together look at the folder once. Several processes may synchronise the same
 * folder: whoever comes second finds the work done.
 */
export function createDocumentSync(
  db: Database,
  folder: string,
  log: Logger,
  clock: Clock = systemClock,
): DocumentSync {
  const watch = watchFolder(folder);
  let running: { startedMs: number; counts: Promise<SyncCounts> } | null = null;
  /** The last pass that came to its end. */
  let latest: Pass | null = null;
  let progress: { done: number; total: number } | null = null;
  let isClosed = false;
  let storing: Promise<unknown> = Promise.resolve();
  /** Files that turned out not to be sources, by path, with the version that was looked at. */
  const unreadable = new Map<string, { version: string; reason: string }>();

  async function sync(wantedMs: number): Promise<SyncCounts> {
    const sinceMs = Math.min(wantedMs, clock.now());
    // What a pass under way looked at before may have changed since.
    while (running !== null && running.startedMs < sinceMs) await running.counts;
    if (running !== null) return running.counts;
    if (latest !== null && latest.startedMs < sinceMs) await hearOfChanges();
    if (latest !== null && (latest.startedMs >= sinceMs || standsStill(latest))) {
      return { ...latest.counts, indexed: 0, removed: 0 };
    }
    // Others may have begun it while this caller listened for changes.
    running ??= begin();
    return running.counts;
  }

  function standsStill({ changes, begunMs, lookedMs }: Pass): boolean {
    const isRecent = clock.elapsedMs() - begunMs < lookedMs / LOOKING_SHARE;
    return watch.isComplete && watch.changes === changes && isRecent;
  }

  function begin(): { startedMs: number; counts: Promise<SyncCounts> } {
    const startedMs = clock.now();
    const counts = pass(startedMs).finally(() => {
      running = null;
      progress = null;
    });
    return { startedMs, counts };
  }

  async function pass(startedMs: number): Promise<SyncCounts> {
    const begunMs = clock.elapsedMs();
    const { changes } = watch;
    const { files, problems } = await listAndWatch(folder, watch);
    const known = await loadKnown();
    const lookedMs = clock.elapsedMs() - begunMs;

    const seen = new Map(problems.map((problem) => [problem.path, problem.reason]));
    for (const { path, reason } of problems) warnOnce(path, reason, reason);
    const changed = files.filter((file) => !isSameVersion(known.get(file.path), file));
    const indexed = await indexAll(changed, seen);

    const current = new Set(files.filter(({ path }) => !seen.has(path)).map(({ path }) => path));
    const gone = [...known].flatMap(([path, { id }]) => (current.has(path) ? [] : [id]));
    await store(() => removeDocuments(db, gone));
    for (const path of unreadable.keys()) if (!seen.has(path)) unreadable.delete(path);
    const counts = { documents: current.size, indexed, removed: gone.length, skipped: seen.size };
    latest = { startedMs, begunMs, lookedMs, changes, counts, skipped: toSkipped(seen) };
    return counts;
  }

  /** Does some work in the database, unless that may be closed at any moment. */
  async function store(work: () => Promise<number>): Promise<number> {
    if (isClosed) return 0;
    const result = work();
    storing = result;
    return result;
  }

  /** Reads and stores the files, batch by batch; those that cannot be read are added to `seen`. */
  async function indexAll(files: readonly DocumentFile[], seen: Map<string, string>) {
    let indexed = 0;
    let done = 0;
    for (const batch of toBatches(files)) {
      if (isClosed) break;
      progress = { done, total: files.length };
      const known = await loadKnown(batch.map(({ path }) => path));
      const changed = batch.filter((file) => !isSameVersion(known.get(file.path), file));
      const read = await Promise.all(changed.map(async (file) => readOrSkip(file, seen)));
      await yieldToEventLoop();
      const documents = read.filter((document) => document !== null);
      indexed += await store(() => storeDocuments(db, folder, documents));
      done += batch.length;
    }
    return indexed;
  }

  /** The documents of the folder that are indexed, or those of them with these paths. */
  async function loadKnown(paths?: readonly string[]) {
    if (isClosed) return new Map<string, never>();
    const rows = await db
      .selectFrom("documents")
      .select(["id", "path", "modified_ms", "size_bytes"])
      .where("folder", "=", folder)
      .$if(paths !== undefined, (query) => query.where("path", "in", paths ?? []))
      .execute();
    return new Map(rows.map((row) => [row.path, row]));
  }

  async function readOrSkip(
    file: DocumentFile,
    seen: Map<string, string>,
  ): Promise<ReadFile | null> {
    const version = `${file.modifiedMs}/${file.sizeBytes}`;
    const known = unreadable.get(file.path);
    if (known?.version === version) {
      seen.set(file.path, known.reason);
      return null;
    }
    try {
      const document = await readDocument(file.absolutePath);
      for (const problem of document.problems) {
        log.warn({ path: file.path, folder }, `Document ${file.path}: ${problem}`);
      }
      return { file, document };
    } catch (error) {
      if (!(error instanceof DocumentUnreadable)) throw error;
      seen.set(file.path, error.message);
      warnOnce(file.path, version, error.message);
      return null;
    }
  }

  function warnOnce(path: string, version: string, reason: string): void {
    if (unreadable.get(path)?.version === version) return;
    unreadable.set(path, { version, reason });
    log.warn({ path, folder }, `Document ${path} is not searched: it ${reason}`);
  }

  return {
    sync,
    get progress() {
      return progress;
    },
    get skipped() {
      return latest?.skipped ?? [];
    },
    async close() {
      isClosed = true;
      watch.close();
      // Whoever waits for the pass hears of what went wrong.
      await storing.catch(() => undefined);
    },
  };
}

/** A look at the folder that came to its end. */
interface Pass {
  startedMs: number;
  /** The same moment on the monotonic clock. */
  begunMs: number;
  /** How long listing and comparing took. */
  lookedMs: number;
  /** What the watch had counted before it began. */
  changes: number;
  counts: SyncCounts;
  skipped: readonly SkippedFile[];
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

async function listAndWatch(folder: string, watch: FolderWatch) {
  const entered = new Set<string>();
  const listing = await listDocumentFiles(folder, (entry) => {
    entered.add(entry);
    watch.enter(entry);
  });
  watch.keepOnly(entered);
  return listing;
}

function toSkipped(seen: ReadonlyMap<string, string>): SkippedFile[] {
  return [...seen]
    .map(([path, reason]) => ({ path, reason }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function isSameVersion(
  row: { modified_ms: number; size_bytes: number } | undefined,
  file: DocumentFile,
): boolean {
  return row?.modified_ms === file.modifiedMs && row.size_bytes === file.sizeBytes;
}
