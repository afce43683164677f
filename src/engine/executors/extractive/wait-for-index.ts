import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../runtime/clock.ts";
import { DocumentFolderUnusable } from "../../sources/folder/document-folder.ts";
import type { DocumentLibrary } from "../../sources/folder/document-library.ts";
import type { SyncCounts } from "../../sources/folder/index-folder.ts";
import { type Attempt, ExecutionFailed } from "../executor.ts";
import type { ReadingProgress } from "../../research/reading-progress.ts";

/** Often enough to see that it goes on, seldom enough that an hour of it is no burden on the event log. */
const TELL_EVERY_MS = 2_000;

/**
 * Waits until the index holds what was there when the run was created, however long that takes: half an index would
 * call answers missing that are there. Says meanwhile how far it is. Stops waiting when the run is cancelled; the work
 * goes on, for other runs wait for the same pass over the folders.
 */
export async function waitForIndex(
  library: DocumentLibrary,
  { createdMs, signal }: Pick<Attempt, "createdMs" | "signal">,
  progress: ReadingProgress,
  clock: Clock,
): Promise<SyncCounts> {
  const work = library.sync(createdMs);
  try {
    // Mostly it is known already: then there is nothing to tell, and no timer to begin and to end.
    const known = await Promise.race([work, setImmediate(null)]);
    return known ?? (await tellUntil(work));
  } catch (error) {
    if (error instanceof DocumentFolderUnusable) {
      throw new ExecutionFailed(error.message, { cause: error });
    }
    throw error;
  }

  async function tellUntil(done: Promise<SyncCounts>): Promise<SyncCounts> {
    const settled = new AbortController();
    try {
      await Promise.race([done, tellOfProgress(AbortSignal.any([signal, settled.signal]))]);
      signal.throwIfAborted();
      return await done;
    } finally {
      settled.abort();
    }
  }

  async function tellOfProgress(ended: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(TELL_EVERY_MS, ended).catch(() => undefined);
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
