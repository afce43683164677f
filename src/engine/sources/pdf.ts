import { getDocumentProxy } from "unpdf";
import { groupSections, type ParsedDocument } from "./document.ts";
import { DocumentUnreadable } from "./document-unreadable.ts";
import { DOCUMENT_LIMITS } from "./limits.ts";
import { type PdfLine, readPdfBlocks } from "./pdf-layout.ts";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/** Reads the text of a PDF, page by page. Throws {@link DocumentUnreadable}. */
export async function parsePdf(bytes: Buffer): Promise<ParsedDocument> {
  const pdf = await openPdf(bytes);
  try {
    const pages = Math.min(pdf.numPages, DOCUMENT_LIMITS.pdfPages);
    const lines: PdfLine[][] = [];
    for (let page = 1; page <= pages; page += 1) lines.push(await readPage(pdf, page));
    const blocks = readPdfBlocks(lines);
    if (blocks.length === 0) {
      throw new DocumentUnreadable(
        "has no text: it may be scanned; let a program for text recognition add it",
      );
    }
    const title = (await readTitle(pdf)) ?? titleOf(blocks);
    const isCut = pdf.numPages > pages;
    return {
      title,
      url: null,
      publishedOn: null,
      sections: groupSections(blocks, title),
      problems: isCut ? [`only its first ${pages} of ${pdf.numPages} pages are searched`] : [],
    };
  } finally {
    await pdf.loadingTask.destroy();
  }
}
