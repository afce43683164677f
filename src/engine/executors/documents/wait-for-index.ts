import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../runtime/clock.ts";
import { DocumentFolderUnusable } from "../../sources/folder/document-folder.ts";
import type { DocumentLibrary } from "../../sources/folder/document-library.ts";
import type { SyncCounts } from "../../sources/folder/index-folder.ts";
import { type Attempt, ExecutionFailed } from "../executor.ts";
import type { ReadingProgress } from "../../research/reading-progress.ts";

/** Often enough to see progress, seldom enough that an hour of it adds only 1,800 events. */
const REPORT_EVERY_MS = 2_000;

/**
 * Waits until the index holds what was there when the run was created, however long that takes: with half an
 * index, answers would be missing. Reports progress meanwhile. Stops waiting when the run is cancelled; indexing goes
 * on, because other runs wait for the same pass over the folders.
 */
export async function waitForIndex(
  library: DocumentLibrary,
  { createdMs, signal }: Pick<Attempt, "createdMs" | "signal">,
  progress: ReadingProgress,
  clock: Clock,
): Promise<SyncCounts> {
  const work = library.sync(createdMs);
  try {
    // Mostly the index is up to date: then nothing is reported, and no timer is needed.
    const known = await Promise.race([work, setImmediate(null)]);
    return known ?? (await reportUntil(work));
  } catch (error) {
    if (error instanceof DocumentFolderUnusable) {
      throw new ExecutionFailed(error.message, { cause: error });
    }
    throw error;
  }

  async function reportUntil(done: Promise<SyncCounts>): Promise<SyncCounts> {
    const settled = new AbortController();
    try {
      await Promise.race([done, reportProgress(AbortSignal.any([signal, settled.signal]))]);
      signal.throwIfAborted();
      return await done;
    } finally {
      settled.abort();
    }
  }

  async function reportProgress(ended: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(REPORT_EVERY_MS, ended).catch(() => undefined);
      if (ended.aborted) return;
      const documents = library.progress;
      if (documents !== null && documents.total > 0) await progress.reportIndexing(documents);
    }
  }
}

export function describeSync({ documents, indexed, removed, skipped }: SyncCounts): string {
  const changes = [
    `${indexed} read`,
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `Indexed ${countText(documents, "document")} (${changes.join(", ")})`;
}

export function countText(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
