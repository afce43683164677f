import { constants } from "node:fs";
import { chmod, copyFile, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../../../database/open-database.ts";
import { ClientConfigUnusable } from "./config-errors.ts";

/** A file as it was found. */
export interface ConfigFile {
  /** Where it really is: links of people who keep their settings elsewhere stay links. */
  path: string;
  /** Null when there is no file. */
  bytes: Buffer | null;
  /** Without its byte order mark; empty when there is no file. */
  text: string;
  hasByteOrderMark: boolean;
}

const BYTE_ORDER_MARK = "\uFEFF";
/** Clients' files may hold keys. */
const NEW_FILE_MODE = 0o600;

/** Throws {@link ClientConfigUnusable} when it is not a readable text. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  try {
    const real = await realpath(path);
    const bytes = await readFile(real);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const hasByteOrderMark = text.startsWith(BYTE_ORDER_MARK);
    return {
      path: real,
      bytes,
      text: hasByteOrderMark ? text.slice(1) : text,
      hasByteOrderMark,
    };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { path, bytes: null, text: "", hasByteOrderMark: false };
    throw new ClientConfigUnusable(`${path}: ${describe(error)}; nothing was changed.`, {
      cause: error,
    });
  }
}

/**
 * Replaces the file as a whole, so that nobody ever reads half of it; what was there is kept beside it. Resolves to the
 * path of that copy, null when there was no file. Throws {@link ClientConfigUnusable}, above all when somebody else has
 * written the file since it was read: clients do so while they run.
 */
export async function replaceConfigFile(
  file: ConfigFile,
  text: string,
  now: Date,
): Promise<string | null> {
  const { path, bytes } = file;
  const timestamp = now.toISOString().replaceAll(/[-:.]/g, "");
  const temporary = `${path}.new-${timestamp}-${process.pid}`;
  const backup = bytes === null ? null : `${path}.bak-${timestamp}`;
  try {
    await makeFolder(dirname(path));
    const mode = bytes === null ? NEW_FILE_MODE : (await stat(path)).mode & 0o777;
    await writeNew(temporary, (file.hasByteOrderMark ? BYTE_ORDER_MARK : "") + text, mode);
    if (backup !== null) await copyFile(path, backup, constants.COPYFILE_EXCL);
    const { bytes: current } = await readConfigFile(path);
    if (!isSame(current, bytes)) {
      if (backup !== null) await rm(backup, { force: true });
      throw new ClientConfigUnusable(
        `${path} was changed by another program meanwhile; nothing was changed. Close the client and try again.`,
      );
    }
    await rename(temporary, path);
    return backup;
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof ClientConfigUnusable) throw error;
    throw new ClientConfigUnusable(`${path}: ${describe(error)}; nothing was changed.`, {
      cause: error,
    });
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // What the process's umask took away.
  await chmod(path, mode);
}

function isSame(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function describe(error: unknown): string {
  switch (codeOf(error)) {
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "is not UTF-8 text; save it as UTF-8 first";
    case "EISDIR":
      return "is a folder";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "cannot be read or written; check its permissions and those of its folder";
    case "ENOTDIR":
    case "EEXIST":
      return "a file stands where its folder should be";
    case "ENOENT":
      // Only when written to, as below /proc: a file that is missing is made.
      return "its folder cannot be made";
    case "ENOSPC":
      return "its disk is full";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
