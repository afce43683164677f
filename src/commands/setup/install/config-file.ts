import { constants } from "node:fs";
import { chmod, copyFile, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../../../database/open-database.ts";
import { errorCode, errorMessage } from "../../../text/error-message.ts";
import { ClientConfigUnusable } from "./config-errors.ts";

/** A file as it was read. */
export interface ConfigFile {
  /** The path with links resolved, so that a link to the file stays a link. */
  path: string;
  /** Null when there is no file. */
  bytes: Buffer | null;
  /** The text without its byte order mark; empty when there is no file. */
  text: string;
  hasByteOrderMark: boolean;
}

const BYTE_ORDER_MARK = "\uFEFF";
/** Clients' files may contain keys. */
const NEW_FILE_MODE = 0o600;

/** Throws {@link ClientConfigUnusable} when the file is not readable text. */
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
    if (errorCode(error) === "ENOENT")
      return { path, bytes: null, text: "", hasByteOrderMark: false };
    throw new ClientConfigUnusable(`${path}: ${describe(error)}; nothing was changed.`, {
      cause: error,
    });
  }
}

/**
 * Replaces the file by a rename, so that no program reads half of it, and keeps a copy of the old one. Returns the path of
 * the copy, null when there was no file. Throws {@link ClientConfigUnusable}, also when the file has changed since it was
 * read: clients write it while they run.
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
        `${path} was changed by another program at the same time; nothing was changed here. Close the client and try again.`,
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
  // `open` applies the umask.
  await chmod(path, mode);
}

function isSame(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

function describe(error: unknown): string {
  switch (errorCode(error)) {
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
      return "a file has the name of its folder";
    case "ENOENT":
      // Only when writing, such as below /proc: reading creates no error for a missing file.
      return "its folder cannot be created";
    case "ENOSPC":
      return "its disk is full";
    default:
      return errorMessage(error);
  }
}
