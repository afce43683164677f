import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { formatOf } from "../readers/formats.ts";

/** Notices changes in a document folder, as far as the operating system reports them. */
export interface FolderWatch {
  /** Watches the entries of this folder from now on. Call it before the folder is read. */
  enter(folder: string): void;
  /** Stops watching every folder that is not among these. */
  keepOnly(folders: ReadonlySet<string>): void;
  /** Rises with each change. */
  readonly changes: number;
  /** Whether every folder that was entered is watched. Once it is false it stays so. */
  readonly isComplete: boolean;
  close(): void;
}

/** Linux gives a user some thousand watches for all programs together, and editors need theirs. */
const MAX_WATCHED_FOLDERS = 1_000;

/** Watching a whole tree is one handle here; elsewhere Node would watch each file, one by one and without a pause. */
const WATCHES_TREES = process.platform === "darwin" || process.platform === "win32";

/** Watches the folder at `root` as {@link listDocumentFiles} enters it. Never keeps the process alive. */
export function watchFolder(root: string): FolderWatch {
  const watchers = new Map<string, FSWatcher>();
  let changes = 0;
  let isComplete = true;

  function giveUp(): void {
    isComplete = false;
    close();
  }

  function close(): void {
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  }

  return {
    enter(folder) {
      const watched = WATCHES_TREES ? root : folder;
      if (!isComplete || watchers.has(watched)) return;
      if (watchers.size === MAX_WATCHED_FOLDERS) return giveUp();
      try {
        const options = { persistent: false, recursive: WATCHES_TREES };
        const watcher = watch(watched, options, (event, name) => {
          if (concernsDocuments(event, name)) changes += 1;
        });
        // No watches are left, or the folder is gone: later changes are not noticed.
        watcher.on("error", giveUp);
        watchers.set(watched, watcher);
      } catch {
        giveUp();
      }
    },
    keepOnly(folders) {
      if (WATCHES_TREES) return;
      for (const [folder, watcher] of watchers) {
        if (folders.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
    },
    get changes() {
      return changes;
    },
    get isComplete() {
      return isComplete;
    },
    close,
  };
}

/** Other programs keep their state in hidden files, and write logs; only a name that comes or goes may be a folder. */
function concernsDocuments(event: string, path: string | null): boolean {
  if (path === null) return true;
  const name = basename(path);
  if (name.startsWith(".")) return name === ".gitignore";
  return event === "rename" || formatOf(name) !== null;
}

/**
 * Waits until all notifications of changes so far have arrived: Linux queues one before the call that made the change
 * returns, and one turn of the event loop reads the queue.
 */
export async function receiveChanges(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
