import { type Block, groupSections, type ParsedDocument } from "../document.ts";
import { readRows } from "./open-document.ts";
import { entryOf, unzipTexts } from "./unzip.ts";
import { childElements, findElements, lineOf, parseElements, type XmlElement } from "./xml.ts";

/** Reads the slides of a presentation, in order. Source: ECMA-376, part 1, section 19.3. */
export async function parsePptx(bytes: Buffer): Promise<ParsedDocument> {
  const kind = "PowerPoint file";
  const entries = unzipTexts(bytes, kind);
  const targets = readTargets(entries, "ppt/_rels/presentation.xml.rels", "ppt/", kind);
  const presentation = parseElements(entryOf(entries, "ppt/presentation.xml", kind));
  const blocks = findElements(presentation, "p:sldId").flatMap((slide, at) => {
    const path = targets.get(slide.attribs["r:id"] ?? "") ?? "";
    return readSlide(parseElements(entries.get(path) ?? ""), at + 1);
  });
  return toDocument(blocks);
}

function readSlide(slide: XmlElement[], number: number): Block[] {
  const place = { unit: "slide" as const, number };
  const shapes = findElements(slide, "p:sp").map((shape) => {
    const [holder] = findElements(shape, "p:ph");
    const isTitle = ["title", "ctrTitle"].includes(holder?.attribs["type"] ?? "");
    const texts = findElements(shape, "a:p")
      .map((one) => lineOf(one))
      .filter((text) => text !== "");
    return { isTitle, texts };
  });
  const title = shapes.find(({ isTitle }) => isTitle)?.texts.join(" ") ?? "";
  const lines = shapes.flatMap(({ isTitle, texts }) => (isTitle ? [] : texts));
  const tables = findElements(slide, "a:tbl").flatMap((table) =>
    readRows(
      "",
      findElements(table, "a:tr").map((row) => findElements(row, "a:tc").map((one) => lineOf(one))),
    ),
  );
  return [
    // A slide without a title does not belong to the one before it.
    { kind: "heading", level: 1, text: title, place },
    ...lines.map((text): Block => ({ kind: "line", text, place })),
    ...tables.map((block) => ({ ...block, place })),
  ];
}

/** Reads the sheets of a workbook, row by row. Source: ECMA-376, part 1, section 18.3. */
export async function parseXlsx(bytes: Buffer): Promise<ParsedDocument> {
  const kind = "Excel file";
  const entries = unzipTexts(bytes, kind);
  const targets = readTargets(entries, "xl/_rels/workbook.xml.rels", "xl/", kind);
  const workbook = parseElements(entryOf(entries, "xl/workbook.xml", kind));
  const shared = findElements(parseElements(entries.get("xl/sharedStrings.xml") ?? ""), "si");
  const strings = shared.map((item) =>
    // How a word is pronounced stands beside it.
    lineOf(childElements(item).filter(({ name }) => name !== "rPh")),
  );
  const isDate = readDateStyles(parseElements(entries.get("xl/styles.xml") ?? ""));
  const blocks = findElements(workbook, "sheet").flatMap((sheet) => {
    const path = targets.get(sheet.attribs["r:id"] ?? "") ?? "";
    const rows = findElements(parseElements(entries.get(path) ?? ""), "row");
    const cells = rows.map((row) => readRow(row, strings, isDate));
    return readRows(sheet.attribs["name"] ?? "", cells);
  });
  return toDocument(blocks);
}

function readRow(
  row: XmlElement,
  strings: readonly string[],
  isDate: readonly boolean[],
): string[] {
  const cells: string[] = [];
  for (const cell of findElements(row, "c")) {
    const column = columnOf(cell.attribs["r"] ?? "") ?? cells.length;
    while (cells.length < column) cells.push("");
    cells.push(readCell(cell, strings, isDate));
  }
  return cells;
}

/** More columns than a table that people read has. */
const MAX_COLUMNS = 1_000;

/** `C7` is in column 2. */
function columnOf(reference: string): number | null {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0];
  if (letters === undefined) return null;
  const column =
    letters.split("").reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  return column < MAX_COLUMNS ? column : null;
}

/** The number of 1970-01-01 among the days of a workbook, which counts from 1900. */
const EPOCH_DAY = 25_569;
const DAY_MS = 86_400_000;

function readCell(
  cell: XmlElement,
  strings: readonly string[],
  isDate: readonly boolean[],
): string {
  const type = cell.attribs["t"] ?? "n";
  if (type === "inlineStr") return lineOf(findElements(cell, "t"));
  const value = findElements(cell, "v")
    .map((one) => lineOf(one))
    .join("");
  if (type === "s") return strings[Number(value)] ?? "";
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  if (type !== "n" || value === "") return value;
  const date = new Date(Math.round((Number(value) - EPOCH_DAY) * DAY_MS));
  if (isDate[Number(cell.attribs["s"] ?? 0)] !== true || Number.isNaN(date.getTime())) {
    // Numbers are stored in binary: 0.30000000000000004 was written as 0.3.
    return String(Number(Number(value).toPrecision(15)));
  }
  return date
    .toISOString()
    .replace(/T00:00:00\.000Z$|:00\.000Z$|\.\d{3}Z$/, "")
    .replace("T", " ");
}

/** Which styles of cells show a number as a date. Formats 14 to 22 and 45 to 47 are built in. */
function readDateStyles(styles: XmlElement[]): boolean[] {
  const formats = new Map(
    findElements(styles, "numFmt").map(({ attribs }) => [
      attribs["numFmtId"],
      attribs["formatCode"] ?? "",
    ]),
  );
  const [used] = findElements(styles, "cellXfs");
  return (used === undefined ? [] : childElements(used)).map(({ attribs }) => {
    const id = Number(attribs["numFmtId"] ?? 0);
    // Letters in quotes, brackets and after a backslash are not part of the date.
    const code = (formats.get(attribs["numFmtId"]) ?? "").replace(/"[^"]*"|\[[^\]]*\]|\\./g, "");
    return (id >= 14 && id <= 22) || (id >= 45 && id <= 47) || /[dmy]/i.test(code);
  });
}

/** The paths that the ids of a part stand for. Source: ECMA-376, part 2, section 6.5. */
function readTargets(
  entries: ReadonlyMap<string, string>,
  path: string,
  folder: string,
  kind: string,
): Map<string, string> {
  const relations = findElements(parseElements(entryOf(entries, path, kind)), "Relationship");
  return new Map(
    relations.map(({ attribs }) => {
      const target = attribs["Target"] ?? "";
      return [attribs["Id"] ?? "", target.startsWith("/") ? target.slice(1) : folder + target];
    }),
  );
}

function toDocument(blocks: Block[]): ParsedDocument {
  const sections = groupSections(blocks, null);
  return { title: null, url: null, publishedOn: null, sections, problems: [] };
}
