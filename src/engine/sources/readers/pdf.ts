import { getDocumentProxy } from "unpdf";
import {
  DocumentUnreadable,
  firstHeading,
  groupSections,
  normalizeLine,
  type ParsedDocument,
} from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import { yieldToEventLoop } from "../../../runtime/event-loop.ts";
import { type PdfLine, readPdfBlocks } from "./pdf-layout.ts";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;
type TextContent = Awaited<ReturnType<Awaited<ReturnType<Pdf["getPage"]>>["getTextContent"]>>;
/** A page, as far as its text is read: the library says less of its stream. */
interface TextPage {
  streamTextContent(): AsyncIterable<TextContent>;
}

const TEXT_LIMIT_REACHED = `only its first ${DOCUMENT_LIMITS.textBytes / 1024 / 1024} MB of text are searched`;

/** Reads the text of a PDF, page by page. Throws {@link DocumentUnreadable}. */
export async function parsePdf(bytes: Buffer): Promise<ParsedDocument> {
  const pdf = await openPdf(bytes);
  try {
    const lines: PdfLine[] = [];
    const room = { chars: DOCUMENT_LIMITS.textBytes };
    let pages = 0;
    while (pages < Math.min(pdf.numPages, DOCUMENT_LIMITS.pdfPages) && room.chars > 0) {
      pages += 1;
      lines.push(...(await readPage(pdf, pages, room)));
      await yieldToEventLoop();
    }
    const blocks = readPdfBlocks(lines);
    if (blocks.length === 0) {
      throw new DocumentUnreadable(
        "has no text: it may be scanned; add the text with a program for text recognition",
      );
    }
    // Large letters further on are a drawing or a sign, not the title.
    const cover = blocks.filter(({ place }) => (place?.number ?? 0) <= COVER_PAGES);
    const title =
      [await readTitle(pdf), firstHeading(cover)].find((text) => isTitle(text ?? "")) ?? null;
    return {
      title,
      url: null,
      // The date in a PDF is when the file was written, not when it was published.
      publishedOn: null,
      sections: groupSections(blocks, title),
      problems: [
        ...(pdf.numPages > pages
          ? [`only its first ${pages} of ${pdf.numPages} pages are searched`]
          : []),
        ...(room.chars > 0 ? [] : [TEXT_LIMIT_REACHED]),
      ],
    };
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function openPdf(bytes: Buffer): Promise<Pdf> {
  try {
    // The library takes over the buffer, so it gets a copy; its warnings would go to the standard streams.
    return await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0, isEvalSupported: false });
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException") {
      throw new DocumentUnreadable("is protected by a password", { cause: error });
    }
    throw new DocumentUnreadable("is no PDF, or a damaged one", { cause: error });
  }
}

/** The lines of a page, from the pieces of text that it is drawn from, as long as there is room. */
async function readPage(pdf: Pdf, number: number, room: { chars: number }): Promise<PdfLine[]> {
  const page = await pdf.getPage(number);
  const items: TextContent["items"] = [];
  // A small page can unpack to any length: what is not read is not unpacked.
  for await (const content of textParts(page)) {
    items.push(...content.items);
    for (const item of content.items) if ("str" in item) room.chars -= item.str.length;
    if (room.chars <= 0) break;
  }
  page.cleanup();
  const lines: PdfLine[] = [];
  let text = "";
  let height = 0;
  let y: number | null = null;
  const close = () => {
    const line = normalizeLine(text);
    if (line !== "" && y !== null) lines.push({ text: line, height, y, page: number });
    text = "";
    height = 0;
    y = null;
  };
  for (const item of items) {
    if (!("str" in item)) continue;
    text += item.str;
    if (item.str.trim() !== "") {
      height = Math.max(height, item.height);
      // The last number of a transform is the distance from the foot of the page.
      y ??= Number(item.transform.at(-1));
    }
    if (item.hasEOL) close();
  }
  close();
  return lines;
}

function textParts(page: TextPage): AsyncIterable<TextContent> {
  return page.streamTextContent();
}

/** A title may stand below a cover and a blank page. */
const COVER_PAGES = 3;

/** Programs write their own names and the names of files where the title should be. */
const NO_TITLE = /^(?:untitled|microsoft word\b|.*\.(?:docx?|pdf|indd|tex|pptx?|xlsx?)$)/i;

/** A text with a word in it that begins like one; and nothing that a program wrote. */
function isTitle(text: string): boolean {
  return /^[\p{L}\p{N}"'“‘«¿¡([]/u.test(text) && /\p{L}/u.test(text) && !NO_TITLE.test(text);
}

async function readTitle(pdf: Pdf): Promise<string | null> {
  const { info } = await pdf.getMetadata();
  return "Title" in info && typeof info.Title === "string" ? normalizeLine(info.Title) : null;
}
