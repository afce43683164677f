import mammoth from "mammoth";
import {
  DocumentUnreadable,
  firstHeading,
  groupSections,
  type ParsedDocument,
} from "../document.ts";
import { readHtmlBlocks } from "./html.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";

/** The first bytes of a file that Office protected with a password, and of the formats before 2007. */
const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

/** Pictures would come as data addresses in the text. */
const WITHOUT_IMAGES = { convertImage: mammoth.images.imgElement(async () => ({ src: "" })) };

/** Reads a Word file of the format that Word has written since 2007. Throws {@link DocumentUnreadable}. */
export async function parseDocx(bytes: Buffer): Promise<ParsedDocument> {
  if (bytes.subarray(0, COMPOUND_FILE.length).equals(COMPOUND_FILE)) {
    throw new DocumentUnreadable(
      "is protected by a password or of the format before Word 2007; save it as .docx without one",
    );
  }
  const size = unpackedSize(bytes);
  if (size === null) throw new DocumentUnreadable("is no Word file, or a damaged one");
  if (size > DOCUMENT_LIMITS.unpackedBytes) {
    const limit = DOCUMENT_LIMITS.unpackedBytes / 1024 / 1024;
    throw new DocumentUnreadable(`has more than ${limit} MB when unpacked; split it`);
  }
  const { blocks } = readHtmlBlocks(await toHtml(bytes));
  const title = firstHeading(blocks);
  return {
    title,
    url: null,
    publishedOn: null,
    sections: groupSections(blocks, title),
    problems: [],
  };
}

async function toHtml(bytes: Buffer): Promise<string> {
  try {
    return (await mammoth.convertToHtml({ buffer: bytes }, WITHOUT_IMAGES)).value;
  } catch (error) {
    throw new DocumentUnreadable("is no Word file, or a damaged one", { cause: error });
  }
}

/** Where the directory of a zip archive ends, and the fields there. Source: PKWARE APPNOTE 6.3, sections 4.3.12 and 4.3.16. */
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;

/** The unpacked size of the archive in bytes, as its directory states it; null without a directory. Unpacks nothing. */
function unpackedSize(bytes: Buffer): number | null {
  const end = findEnd(bytes);
  if (end === null) return null;
  let total = 0;
  let at = bytes.readUInt32LE(end + 16);
  for (let entries = bytes.readUInt16LE(end + 10); entries > 0; entries -= 1) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) return null;
    total += bytes.readUInt32LE(at + 24);
    const variable = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
    at += ENTRY_BYTES + variable.reduce((sum, length) => sum + length, 0);
  }
  return total;
}

function findEnd(bytes: Buffer): number | null {
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at -= 1) {
    if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  return null;
}
