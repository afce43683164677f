import type { ParsedDocument } from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import type { BinaryExtension } from "./formats.ts";
import { readWithinLimit } from "./open-file.ts";

type BinaryParser = (bytes: Buffer) => Promise<ParsedDocument>;

const openDocument = async (): Promise<BinaryParser> =>
  (await import("./open-document.ts")).parseOpenDocument;

/** A parser is loaded by its first document. */
const PARSERS: Record<BinaryExtension, () => Promise<BinaryParser>> = {
  ".pdf": async () => (await import("./pdf.ts")).parsePdf,
  ".docx": async () => (await import("./docx.ts")).parseDocx,
  ".pptx": async () => (await import("./office-open.ts")).parsePptx,
  ".xlsx": async () => (await import("./office-open.ts")).parseXlsx,
  ".odt": openDocument,
  ".ods": openDocument,
  ".odp": openDocument,
  ".epub": async () => (await import("./epub.ts")).parseEpub,
};

/**
 * Reads and parses a file that is no text. Hostile files cost any time and memory: call it in a thread that can be ended.
 * Throws `DocumentUnreadable`, `FileGone`, and what a parser throws.
 */
export async function readBinaryFile(
  path: string,
  extension: BinaryExtension,
): Promise<ParsedDocument> {
  const bytes = await readWithinLimit(path, DOCUMENT_LIMITS.binaryBytes);
  const parse = await PARSERS[extension]();
  return withinTextLimit(await parse(bytes));
}

/** A small file can have any amount of text when it is unpacked: it has the limit of text files. */
function withinTextLimit(document: ParsedDocument): ParsedDocument {
  const limit = DOCUMENT_LIMITS.textBytes;
  let chars = 0;
  const sections = document.sections.filter(({ heading, text }) => {
    chars += heading.length + text.length;
    return chars <= limit;
  });
  if (chars <= limit) return document;
  const problem = `only its first ${limit / 1024 / 1024} MB of text are searched`;
  return { ...document, sections, problems: [...document.problems, problem] };
}
