import { extname } from "node:path";

/** A problem of a file, in words that follow its name. */
export interface FileProblem {
  path: string;
  reason: string;
}

/** What lies in the document folders and is not searched. */
export interface UnreadFiles {
  /** Files that are not searched. */
  skipped: readonly FileProblem[];
  /** Files that are searched only in part, or not as they are. */
  partly: readonly FileProblem[];
  /** How many files there are of each kind that is not read, by the end of their name. */
  otherKinds: ReadonlyMap<string, number>;
}

export const NOTHING_UNREAD: UnreadFiles = { skipped: [], partly: [], otherKinds: new Map() };

/** What several folders leave unread. */
export function mergeUnread(folders: readonly UnreadFiles[]): UnreadFiles {
  const otherKinds = new Map<string, number>();
  for (const [kind, count] of folders.flatMap((folder) => [...folder.otherKinds])) {
    otherKinds.set(kind, (otherKinds.get(kind) ?? 0) + count);
  }
  return {
    skipped: folders.flatMap((folder) => folder.skipped),
    partly: folders.flatMap((folder) => folder.partly),
    otherKinds,
  };
}

/** `.png`, as the warning of a run names it. */
export function kindOf(name: string): string {
  return extname(name).toLowerCase() || "without an extension";
}

/** What one pass finds out about the files of a folder. */
export class PassFindings {
  /** Why a file is not searched, by path. */
  readonly skipped: Map<string, string>;
  readonly #partly = new Map<string, readonly string[]>();
  readonly #otherKinds: ReadonlyMap<string, number>;
  readonly #current: Set<string>;

  constructor(
    files: readonly { path: string }[],
    problems: readonly FileProblem[],
    otherKinds: ReadonlyMap<string, number>,
  ) {
    this.skipped = new Map(problems.map(({ path, reason }) => [path, reason]));
    this.#otherKinds = otherKinds;
    this.#current = new Set(files.map(({ path }) => path));
  }

  /** The file is searched, with these problems. */
  addRead(path: string, problems: readonly string[]): void {
    if (problems.length > 0) this.#partly.set(path, problems);
  }

  /** The file vanished after the folder was listed. */
  addGone(path: string): void {
    this.#current.delete(path);
  }

  /** The paths of the files that are searched. */
  searched(): ReadonlySet<string> {
    return new Set([...this.#current].filter((path) => !this.skipped.has(path)));
  }

  unread(): UnreadFiles {
    const partly = [...this.#partly].flatMap(([path, reasons]) =>
      reasons.map((reason) => ({ path, reason })),
    );
    const skipped = [...this.skipped].map(([path, reason]) => ({ path, reason }));
    return {
      skipped: skipped.toSorted(byPath),
      partly: partly.toSorted(byPath),
      otherKinds: this.#otherKinds,
    };
  }
}

function byPath(a: FileProblem, b: FileProblem): number {
  return a.path < b.path ? -1 : 1;
}
