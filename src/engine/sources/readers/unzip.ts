import { strFromU8, unzipSync } from "fflate";
import { DocumentUnreadable } from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";

/**
 * The texts of a zip archive, by their path; other entries are not unpacked. Throws {@link DocumentUnreadable}. Source: the
 * formats of office programs and EPUB keep their text in these.
 */
export function unzipTexts(bytes: Buffer, kind: string): Map<string, string> {
  let total = 0;
  try {
    const entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!/\.(?:xml|rels|opf|x?html?)$/i.test(name)) return false;
        total += originalSize;
        // The archive may lie about it; then the limit of memory holds.
        if (total <= DOCUMENT_LIMITS.unpackedBytes) return true;
        const limit = DOCUMENT_LIMITS.unpackedBytes / 1024 / 1024;
        throw new DocumentUnreadable(`has more than ${limit} MB when unpacked; split it`);
      },
    });
    return new Map(Object.entries(entries).map(([name, data]) => [name, strFromU8(data)]));
  } catch (error) {
    if (error instanceof DocumentUnreadable) throw error;
    throw new DocumentUnreadable(`is no ${kind}, or a damaged one`, { cause: error });
  }
}

/** The entry with this path. Throws {@link DocumentUnreadable}. */
export function entryOf(entries: ReadonlyMap<string, string>, path: string, kind: string): string {
  const text = entries.get(path);
  if (text === undefined) throw new DocumentUnreadable(`is no ${kind}, or a damaged one`);
  return text;
}
