import type { Logger } from "pino";
import type { Database } from "../../../database/open-database.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { receiveChanges, watchFolder } from "./folder-watch.ts";
import { FolderIndexer, type FolderPass, type SyncCounts } from "./index-folder.ts";
import { NOTHING_UNREAD, type UnreadFiles } from "./unread-files.ts";

/** Keeps the index of one folder up to date. */
export interface DocumentSync {
  /**
   * Updates the index to the state of the folder at `sinceMs` (epoch milliseconds) or later. Throws
   * `DocumentFolderUnusable`.
   */
  sync(sinceMs: number): Promise<SyncCounts>;
  /** How far the pass under way is; null while it lists the folder, and when none is. */
  readonly progress: { done: number; total: number } | null;
  /** What the last pass left unread. */
  readonly unread: UnreadFiles;
  /** Ends the pass under way, stops watching, and resolves when the database is not used any more. */
  close(): Promise<void>;
}

/**
 * The share of time that listing the folder may take when no change was noticed. File systems without notifications
 * (network folders, more folders than can be watched) need it: twenty files at every run, ten thousand every few seconds.
 */
const LISTING_SHARE = 0.05;

/** A pass that came to its end, and when it began: by the time of day, and on the monotonic clock. */
interface LatestPass extends FolderPass {
  startedMs: number;
  beganMs: number;
}

/**
 * Decides when the folder (a real path) is indexed again. Callers share a pass that began after what they need, and an
 * earlier one as long as no change is noticed: a thousand runs created together list the folder once. Several processes
 * may synchronise one folder: the second finds the work done, because a file is read only when it differs from the index.
 */
export function createDocumentSync(
  db: Database,
  folder: string,
  log: Logger,
  clock: Clock = systemClock,
): DocumentSync {
  const watch = watchFolder(folder);
  const indexer = new FolderIndexer({ db, folder, watch, log, clock });
  let running: { startedMs: number; counts: Promise<SyncCounts> } | null = null;
  let latest: LatestPass | null = null;

  async function sync(wantedMs: number): Promise<SyncCounts> {
    const sinceMs = Math.min(wantedMs, clock.now());
    // A pass that started earlier may have listed files before they changed, so wait for it and run another.
    while (running !== null && running.startedMs < sinceMs) await running.counts;
    if (running !== null) return running.counts;
    if (latest !== null && latest.startedMs < sinceMs) await receiveChanges();
    if (latest !== null && (latest.startedMs >= sinceMs || isUnchangedSince(latest))) {
      return { ...latest.counts, indexed: 0, removed: 0 };
    }
    // Another caller may have begun one while this one waited for notifications.
    running ??= begin();
    return running.counts;
  }

  function isUnchangedSince({ changes, beganMs, listedMs }: LatestPass): boolean {
    const isRecent = clock.elapsedMs() - beganMs < listedMs / LISTING_SHARE;
    return watch.isComplete && watch.changes === changes && isRecent;
  }

  function begin(): { startedMs: number; counts: Promise<SyncCounts> } {
    const startedMs = clock.now();
    const counts = pass(startedMs).finally(() => {
      running = null;
    });
    return { startedMs, counts };
  }

  async function pass(startedMs: number): Promise<SyncCounts> {
    const beganMs = clock.elapsedMs();
    latest = { ...(await indexer.pass()), startedMs, beganMs };
    return latest.counts;
  }

  return {
    sync,
    get progress() {
      return indexer.progress;
    },
    get unread() {
      return latest?.unread ?? NOTHING_UNREAD;
    },
    async close() {
      watch.close();
      await indexer.close();
    },
  };
}
