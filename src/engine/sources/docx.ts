import { convertToHtml } from "mammoth";
import { firstHeading, groupSections, type ParsedDocument } from "./document.ts";
import { readHtmlBlocks } from "./html.ts";
import { DocumentUnreadable } from "./document-unreadable.ts";
import { DOCUMENT_LIMITS } from "./limits.ts";
import { unpackedSize } from "./zip-size.ts";

/** What a file begins with that Office protected with a password; the formats before 2007 begin so too. */
const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

/** Reads a Word file of the format that Word has written since 2007. Throws {@link DocumentUnreadable}. */
export async function parseDocx(bytes: Buffer): Promise<ParsedDocument> {
  if (bytes.subarray(0, 4).equals(COMPOUND_FILE)) {
    throw new DocumentUnreadable(
      "is protected by a password, or of the format before Word 2007; save it as .docx without a password",
    );
  }
  const size = unpackedSize(bytes);
  if (size === null) throw new DocumentUnreadable("is not a Word file");
  if (size > DOCUMENT_LIMITS.unpackedBytes) {
    const limit = DOCUMENT_LIMITS.unpackedBytes / 1024 / 1024;
    throw new DocumentUnreadable(`is larger than ${limit} MB when unpacked; split it into smaller files`);
  }
  // Pictures would come as data addresses in the text.
  const noImage = () => ({ src: "" });
  const { value } = await convertToHtml({ buffer: bytes }, { convertImage: { __mammothBrand: "ImageConverter", ...noImage() } });
  const { blocks } = readHtmlBlocks(value);
  const title = firstHeading(blocks);
  return { title, url: null, publishedOn: null, sections: groupSections(blocks, title), problems: [] };
}
