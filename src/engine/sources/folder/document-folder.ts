import { readdir, realpath, stat } from "node:fs/promises";
import type { Dirent } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import { readBytes } from "../readers/open-file.ts";
import { formatOf } from "../readers/formats.ts";
import { type FileProblem, kindOf } from "./unread-files.ts";
import { UsageError } from "../../../runtime/usage-error.ts";

/** A file that may be a document, and the values that show whether it has changed. */
export interface DocumentFile {
  /** Inside the folder, with forward slashes. */
  path: string;
  absolutePath: string;
  modifiedMs: number;
  sizeBytes: number;
}

/** Each `stat` takes one of Node's four threads; a queue of thousands would block all other file access. */
const FILES_AT_ONCE = 32;

export interface FolderListing {
  files: DocumentFile[];
  /** What cannot be followed: a sub-folder without permission, a broken link. */
  problems: FileProblem[];
  /** How many files there are of each kind that is not read. */
  otherKinds: Map<string, number>;
}

/** The document folder cannot be used; the message names it and says what to do. */
export class DocumentFolderUnusable extends UsageError {
  override readonly name = "DocumentFolderUnusable";
  readonly folder: string;

  constructor(folder: string, problem: string, options?: { cause: unknown }) {
    super(
      `The document folder ${folder} ${problem}. Create it as a readable folder, or point to another one.`,
      options,
    );
    this.folder = folder;
  }
}

/** The real path of a folder that can be listed. Throws {@link DocumentFolderUnusable}. */
export async function resolveDocumentFolder(folder: string): Promise<string> {
  try {
    const real = await realpath(folder);
    await readdir(real);
    return real;
  } catch (error) {
    throw new DocumentFolderUnusable(folder, describeFolderError(error), { cause: error });
  }
}

/**
 * Every document file below the folder, in a stable order. Hidden entries, `node_modules` and what a `.gitignore` of the
 * folder names are left out. Links are followed inside the folder only: a link must not publish what lies
 * elsewhere. What was reached before (a loop, a second name) is not visited again.
 * `enter` is called with each folder before its entries are read, so that a watch which begins there misses no change.
 * Throws {@link DocumentFolderUnusable} when the folder itself cannot be listed.
 */
export async function listDocumentFiles(
  folder: string,
  enter: (folder: string) => void = () => undefined,
): Promise<FolderListing> {
  const listing: FolderListing = { files: [], problems: [], otherKinds: new Map() };
  const visited = new Set([folder]);

  async function visit(real: string, prefix: string, outer: IgnoreRules): Promise<void> {
    const links: Dirent[] = [];
    const folders: Dirent[] = [];
    const files: Dirent[] = [];
    enter(real);
    const entries = await listEntries(real, prefix);
    const rules = entries.some((entry) => entry.name === ".gitignore" && entry.isFile())
      ? await outer.within(prefix, join(real, ".gitignore"))
      : outer;
    for (const entry of entries) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = prefix + entry.name;
      if (rules.exclude(entry.isDirectory() ? `${path}/` : path)) continue;
      if (entry.isSymbolicLink()) links.push(entry);
      else if (entry.isDirectory()) folders.push(entry);
      else if (entry.isFile() && formatOf(entry.name) !== null) files.push(entry);
      else if (entry.isFile()) countKind(entry.name, listing);
    }
    for (let start = 0; start < files.length; start += FILES_AT_ONCE) {
      const some = files.slice(start, start + FILES_AT_ONCE);
      await Promise.all(
        some.map((file) => addFile(join(real, file.name), prefix + file.name, listing)),
      );
    }
    for (const file of files) visited.add(join(real, file.name));
    for (const child of folders) {
      await visitOnce(join(real, child.name), `${prefix}${child.name}/`, rules);
    }
    // Links come last, so that a real name wins over a second one.
    for (const link of links) await followLink(join(real, link.name), prefix + link.name, rules);
  }

  async function visitOnce(real: string, prefix: string, rules: IgnoreRules): Promise<void> {
    if (visited.has(real)) return;
    visited.add(real);
    await visit(real, prefix, rules);
  }

  async function followLink(link: string, path: string, rules: IgnoreRules): Promise<void> {
    try {
      const real = await realpath(link);
      if (!isInside(folder, real)) {
        listing.problems.push({ path, reason: "is a link that leads out of the document folder" });
        return;
      }
      const target = await stat(real);
      if (target.isDirectory()) {
        if (!rules.exclude(`${path}/`)) await visitOnce(real, `${path}/`, rules);
      }
      // Anything else that is no file (a pipe, a device) could be read for ever.
      else if (target.isFile() && formatOf(path) !== null && !visited.has(real)) {
        visited.add(real);
        enter(dirname(real));
        await addFile(real, path, listing);
      }
    } catch (error) {
      listing.problems.push({ path, reason: `is a link that ${describeFolderError(error)}` });
    }
  }

  async function listEntries(real: string, prefix: string): Promise<Dirent[]> {
    try {
      return await readdir(real, { withFileTypes: true });
    } catch (error) {
      if (prefix === "") {
        throw new DocumentFolderUnusable(folder, describeFolderError(error), { cause: error });
      }
      addProblem(prefix, error, listing);
      return [];
    }
  }

  await visit(folder, "", IgnoreRules.none);
  listing.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return listing;
}

/** Whether the path is the folder or lies in it. */
export function isInside(folder: string, path: string): boolean {
  const steps = relative(folder, path);
  return steps !== ".." && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}

async function addFile(absolutePath: string, path: string, listing: FolderListing): Promise<void> {
  try {
    const { mtimeMs, size } = await stat(absolutePath);
    listing.files.push({ path, absolutePath, modifiedMs: mtimeMs, sizeBytes: size });
  } catch (error) {
    addProblem(path, error, listing);
  }
}

function countKind(name: string, { otherKinds }: FolderListing): void {
  const kind = kindOf(name);
  otherKinds.set(kind, (otherKinds.get(kind) ?? 0) + 1);
}

/** What Node puts in a name for bytes that are not UTF-8; no call finds the file by such a name. */
const REPLACED = "\ufffd";

/** Adds the problem of an entry that cannot be visited, unless it is just gone by now. */
function addProblem(path: string, error: unknown, { problems }: FolderListing): void {
  if (!isGone(error)) problems.push({ path, reason: describeFolderError(error) });
  else if (path.includes(REPLACED)) problems.push({ path, reason: "has a name that is not UTF-8" });
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function describeFolderError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return "does not exist";
    case "ENOTDIR":
      return "is not a folder";
    case "EACCES":
    case "EPERM":
      return "cannot be read with the permissions of this process";
    case "ELOOP":
      return "leads back to itself";
    default:
      return `cannot be read (${String(error)})`;
  }
}

/** Each path is compared with each rule: what people write has some hundreds of them. */
const MAX_RULES_BYTES = 1024 * 1024;

/** The rules of one `.gitignore`, for paths below where it lies. */
interface Level {
  /** Path of its folder inside the document folder, with a slash at the end; empty for the document folder. */
  prefix: string;
  rules: Ignore;
}

/** The paths that the `.gitignore` files on the way to a folder exclude. Source: gitignore(5). */
class IgnoreRules {
  static readonly none = new IgnoreRules([]);

  /** The deepest first, because its rules override those of the folders around it. */
  readonly #levels: readonly Level[];

  private constructor(levels: readonly Level[]) {
    this.#levels = levels;
  }

  /** These rules and those of one more file. A file that cannot be read has none. */
  async within(prefix: string, file: string): Promise<IgnoreRules> {
    const bytes = await readBytes(file, MAX_RULES_BYTES).catch(() => null);
    const rules = ignore().add(bytes?.toString("utf8") ?? "");
    return new IgnoreRules([{ prefix, rules }, ...this.#levels]);
  }

  /** `path` is relative to the document folder; that of a folder ends with a slash. */
  exclude(path: string): boolean {
    for (const { prefix, rules } of this.#levels) {
      // A link may lead to where other rules came from.
      if (!path.startsWith(prefix)) continue;
      const { ignored, unignored } = rules.test(path.slice(prefix.length));
      if (ignored) return true;
      if (unignored) return false;
    }
    return false;
  }
}
