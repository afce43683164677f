import mammoth from "mammoth";
import { firstHeading, groupSections, type ParsedDocument } from "../document.ts";
import { DocumentUnreadable } from "./document-unreadable.ts";
import { readHtmlBlocks } from "./html.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import { unpackedSize } from "./zip-size.ts";

/** What a file begins with that Office protected with a password; the formats before 2007 begin so too. */
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
