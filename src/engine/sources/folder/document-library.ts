import type { Logger } from "pino";
import type { Database } from "../../../database/open-database.ts";
import type { SourcePolicy } from "../../../task-api/run-input.ts";
import { isInside, resolveDocumentFolder } from "./document-folder.ts";
import type { PassageSearch, Source } from "../source.ts";
import { openDocumentIndex } from "./search-documents.ts";
import type { UnknownSources } from "./source-names.ts";
import { createDocumentSync } from "./sync-documents.ts";
import type { SyncCounts } from "./index-folder.ts";
import { mergeUnread, type UnreadFiles } from "./unread-files.ts";

/** Several document folders, stored in one index and searched together. */
export interface DocumentLibrary extends Source {
  /** The real paths of the folders. */
  readonly folders: readonly string[];
  /** Updates the index to the state of the folders at `sinceMs` or later. Throws `DocumentFolderUnusable`. */
  sync(sinceMs: number): Promise<SyncCounts>;
  /** How many files the pass under way has read, of those that are new; null when none is read. */
  readonly progress: { done: number; total: number } | null;
  /** What the last passes left unread. */
  readonly unread: UnreadFiles;
  /** Prepares searches over the passages that the index holds now, of the documents that the policy allows. */
  passages(policy: SourcePolicy | null | undefined): Promise<PassageSearch>;
  /** The entries of the policy that name no document of the index; null when there are none. */
  unknownSources(policy: SourcePolicy): Promise<UnknownSources | null>;
  /** Ends indexing and watching. */
  close(): Promise<void>;
}

/** Opens the folders, absolute or relative to the working directory. Throws `DocumentFolderUnusable`. */
export async function openDocumentLibrary(
  db: Database,
  paths: readonly string[],
  log: Logger,
): Promise<DocumentLibrary> {
  const folders = withoutInner(await Promise.all(paths.map(resolveDocumentFolder)));
  const syncs = folders.map((folder) => createDocumentSync(db, folder, log));
  const index = openDocumentIndex(db, folders);

  return {
    ...index,
    folders,
    async sync(sinceMs) {
      const counts = await Promise.all(syncs.map((one) => one.sync(sinceMs)));
      return counts.reduce(addCounts);
    },
    get progress() {
      const passes = syncs.flatMap((one) => one.progress ?? []);
      if (passes.length === 0) return null;
      return passes.reduce((a, b) => ({ done: a.done + b.done, total: a.total + b.total }));
    },
    get unread() {
      return mergeUnread(syncs.map((one) => one.unread));
    },
    async close() {
      await Promise.all(syncs.map((one) => one.close()));
    },
  };
}

/** A folder inside another one is searched with it; its documents must not be found twice. */
function withoutInner(folders: readonly string[]): string[] {
  const unique = [...new Set(folders)];
  return unique.filter(
    (folder) => !unique.some((other) => other !== folder && isInside(other, folder)),
  );
}

function addCounts(a: SyncCounts, b: SyncCounts): SyncCounts {
  return {
    documents: a.documents + b.documents,
    indexed: a.indexed + b.indexed,
    removed: a.removed + b.removed,
    skipped: a.skipped + b.skipped,
  };
}
