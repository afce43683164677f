import { posix } from "node:path";
import { groupSections, type ParsedDocument } from "../document.ts";
import { readHtmlBlocks } from "./html.ts";
import { entryOf, unzipTexts } from "./unzip.ts";
import { findElements, lineOf, parseElements } from "./xml.ts";

/** Reads a book, chapter by chapter. Source: EPUB 3.3, sections 4.2 and 5. */
export async function parseEpub(bytes: Buffer): Promise<ParsedDocument> {
  const kind = "EPUB book";
  const entries = unzipTexts(bytes, kind);
  const container = parseElements(entryOf(entries, "META-INF/container.xml", kind));
  const [root] = findElements(container, "rootfile");
  const path = root?.attribs["full-path"] ?? "";
  const book = parseElements(entryOf(entries, path, kind));
  const items = new Map(
    findElements(book, "item").map(({ attribs }) => [attribs["id"], attribs["href"] ?? ""]),
  );
  const blocks = findElements(book, "itemref").flatMap(({ attribs }) => {
    const href = decodeURIComponent(items.get(attribs["idref"]) ?? "");
    return readHtmlBlocks(entries.get(posix.join(posix.dirname(path), href)) ?? "").blocks;
  });
  const title = findElements(book, "dc:title").map((one) => lineOf(one))[0] ?? null;
  return {
    title,
    url: null,
    // The date in a book may be that of its conversion.
    publishedOn: null,
    sections: groupSections(blocks, title),
    problems: [],
  };
}
