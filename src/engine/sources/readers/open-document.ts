import {
  type Block,
  describeRow,
  firstHeading,
  groupSections,
  type ParsedDocument,
} from "../document.ts";
import { entryOf, unzipTexts } from "./unzip.ts";
import { childElements, findElements, lineOf, parseElements, type XmlElement } from "./xml.ts";

/** Reads an OpenDocument text, sheet or presentation. Source: OpenDocument 1.3, part 3. */
export async function parseOpenDocument(bytes: Buffer): Promise<ParsedDocument> {
  const kind = "OpenDocument file";
  const content = entryOf(unzipTexts(bytes, kind), "content.xml", kind);
  const slides = { count: 0 };
  const [body] = findElements(parseElements(content), "office:body");
  const blocks = body === undefined ? [] : readElement(body, slides);
  const title = firstHeading(blocks);
  return {
    title,
    url: null,
    publishedOn: null,
    sections: groupSections(blocks, title),
    problems: [],
  };
}

function readElement(element: XmlElement, slides: { count: number }): Block[] {
  switch (element.name) {
    case "text:h": {
      const level = Number(element.attribs["text:outline-level"] ?? 1);
      return toBlocks({ kind: "heading", level, text: lineOf(element) });
    }
    case "text:p":
      return toBlocks({ kind: "line", text: lineOf(element) });
    case "table:table":
      return readTable(element);
    case "draw:page": {
      slides.count += 1;
      const place = { unit: "slide" as const, number: slides.count };
      return childElements(element)
        .flatMap((child) => readElement(child, slides))
        .map((block) => ({ ...block, place }));
    }
    // Comments, deleted text, and the notes of a presentation.
    case "office:annotation":
    case "text:tracked-changes":
    case "presentation:notes":
      return [];
    default:
      return childElements(element).flatMap((child) => readElement(child, slides));
  }
}

function toBlocks(block: Block): Block[] {
  return block.text === "" ? [] : [block];
}

/** A sheet is a heading; each of its rows names its columns. */
function readTable(table: XmlElement): Block[] {
  const rows = findElements(table, "table:table-row").map((row) =>
    childElements(row).flatMap((cell) => {
      const repeated = Number(cell.attribs["table:number-columns-repeated"] ?? 1);
      const text = lineOf(cell);
      // Empty cells at the end of a row are repeated up to the width of the sheet.
      return Array.from({ length: text === "" ? 1 : Math.min(repeated, 100) }, () => text);
    }),
  );
  return readRows(table.attribs["table:name"] ?? "", rows);
}

/** The rows of a sheet under its name; the first one names the columns. */
export function readRows(name: string, rows: readonly (readonly string[])[]): Block[] {
  const [headers = [], ...others] = rows.filter((cells) => cells.some((cell) => cell !== ""));
  const lines =
    others.length === 0
      ? [describeRow([], headers)]
      : others.map((cells) => describeRow(headers, cells));
  return [
    ...toBlocks({ kind: "heading", level: 2, text: name }),
    ...lines.flatMap((text) => toBlocks({ kind: "line", text })),
  ];
}
