import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DocumentUnreadable } from "../document.ts";

/** What the folder listed as a file is not there any more, or is none now; the next listing shows what came instead. */
export class FileGone extends Error {
  override readonly name = "FileGone";
}

/**
 * A name that became a link after the folder was listed is not followed: it may lead anywhere. Opening a name that became
 * a pipe would wait until something writes into it.
 */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Opens a regular file. The caller closes it. Throws {@link FileGone} and {@link DocumentUnreadable}. */
export async function openFile(path: string): Promise<{ file: FileHandle; sizeBytes: number }> {
  const file = await openOrExplain(path);
  try {
    const facts = await file.stat();
    // A pipe or a device could be read for ever.
    if (!facts.isFile()) throw new FileGone();
    return { file, sizeBytes: facts.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openOrExplain(path: string): Promise<FileHandle> {
  try {
    return await open(path, OPEN_FLAGS);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    // ELOOP: a link now. ENXIO: a socket now.
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(code)) {
      throw new FileGone(undefined, { cause: error });
    }
    throw new DocumentUnreadable(`cannot be read (${code}); check its permissions`, {
      cause: error,
    });
  }
}

/**
 * The bytes that the file has when it is opened: one that grows all the time has an end too. Null for a larger file. Throws
 * {@link FileGone} and {@link DocumentUnreadable}.
 */
export async function readBytes(path: string, maxBytes: number): Promise<Buffer | null> {
  const { file, sizeBytes } = await openFile(path);
  try {
    if (sizeBytes > maxBytes) return null;
    const bytes = Buffer.alloc(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const { bytesRead } = await file.read(bytes, filled, sizeBytes - filled, filled);
      // The file has shrunk.
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** Like {@link readBytes}; a larger file cannot be a source. */
export async function readWithinLimit(path: string, maxBytes: number): Promise<Buffer> {
  const bytes = await readBytes(path, maxBytes);
  if (bytes !== null) return bytes;
  throw refuseSize(maxBytes);
}

export function refuseSize(maxBytes: number): DocumentUnreadable {
  const limit = maxBytes / 1024 / 1024;
  return new DocumentUnreadable(`is larger than ${limit} MB; split it into smaller files`);
}
