import { convert, type DomNode, type FormatCallback, type SelectorDefinition } from "html-to-text";
import { z } from "zod";
import {
  type Block,
  describeRow,
  firstHeading,
  groupSections,
  normalizeLine,
  type ParsedDocument,
  readIsoDate,
  readWebUrl,
} from "../document.ts";

/** The values in the head of a page. */
interface PageFields {
  title: string | null;
  canonicalUrl: string | null;
  openGraphUrl: string | null;
  publishedOn: string | null;
}

/** Marks a heading line in the converted text. Control characters never come out of HTML text (see `normalizeLine`). */
const HEADING_MARK = "\u0001";

/** Deeper nesting is an attack or a mistake; the converter recurses, so it needs a limit. */
const MAX_DEPTH = 200;

/** Reads an HTML page: scripts, styles, navigation and forms are dropped, table rows name their columns. */
export function parseHtml(html: string): ParsedDocument {
  const { blocks, fields } = readHtmlBlocks(html);
  const title = fields.title ?? firstHeading(blocks);
  return {
    title,
    url: fields.canonicalUrl ?? fields.openGraphUrl,
    publishedOn: fields.publishedOn,
    sections: groupSections(blocks, title),
    problems: [],
  };
}

/** The headings and lines of HTML text, a page or a fragment. */
export function readHtmlBlocks(html: string): { blocks: Block[]; fields: PageFields } {
  const fields: PageFields = {
    title: null,
    canonicalUrl: null,
    openGraphUrl: null,
    publishedOn: null,
  };
  const text = convert(html, {
    wordwrap: false,
    baseElements: { selectors: ["html"], returnDomByDefault: true },
    limits: { maxDepth: MAX_DEPTH, ellipsis: "" },
    formatters: {
      markedHeading: formatHeading,
      namedRows: formatTable,
      pageTitle: (element) => {
        fields.title ??= normalizeLine(textOf(element)) || null;
      },
      pageLink: (element) => readLink(element, fields),
      pageMeta: (element) => readMeta(element, fields),
    },
    selectors: SELECTORS,
  });
  const blocks = text.split("\n").flatMap(readLine);
  return { blocks, fields };
}

const DROPPED = ["nav", "footer", "form", "button", "select", "noscript", "template", "svg", "img"];
const OWN_LINE = ["ul", "ol", "li", "dl", "dt", "dd", "figcaption", "blockquote", "pre"];
const ONE_BREAK = { leadingLineBreaks: 1, trailingLineBreaks: 1 };

const SELECTORS: SelectorDefinition[] = [
  { selector: "title", format: "pageTitle" },
  { selector: "link", format: "pageLink" },
  { selector: "meta", format: "pageMeta" },
  { selector: "a", options: { ignoreHref: true } },
  { selector: "table", format: "namedRows" },
  ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({
    selector,
    format: "markedHeading",
  })),
  ...OWN_LINE.map((selector) => ({ selector, format: "block", options: ONE_BREAK })),
  ...DROPPED.map((selector) => ({ selector, format: "skip" })),
];

function readLine(line: string): Block[] {
  const text = normalizeLine(line);
  if (text === "") return [];
  if (!line.startsWith(HEADING_MARK)) return [{ kind: "line", text }];
  const heading = text.slice(1).trim();
  return heading === ""
    ? []
    : [{ kind: "heading", level: Number(text.slice(0, 1)), text: heading }];
}

const formatHeading: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addLiteral(`${HEADING_MARK}${element.name?.slice(1) ?? "1"}`);
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

const formatTable: FormatCallback = (element, walk, builder) => {
  // A table inside a table is page layout, not data.
  const isLayout = find(element, "table").length > 0;
  if (isLayout) {
    walk(element.children, builder);
    return;
  }
  const rows = find(element, "tr").map((row) => row.children.filter(isCell));
  const headers = headersOf(rows);
  for (const row of headers.length > 0 ? rows.slice(1) : rows) {
    builder.openBlock(ONE_BREAK);
    builder.addLiteral(describeRow(headers, row.map(cellText)));
    builder.closeBlock(ONE_BREAK);
  }
};

function headersOf(rows: readonly DomNode[][]): string[] {
  const [first] = rows;
  const isHeaderRow = first !== undefined && first.every(isHeaderCell);
  return isHeaderRow && rows.length > 1 ? first.map(cellText) : [];
}

/** Word processors set the names of columns in bold, and have no other mark for them. */
function isHeaderCell(cell: DomNode): boolean {
  if (cell.name === "th") return true;
  const text = cellText(cell);
  const bold = [...find(cell, "strong"), ...find(cell, "b")].map(cellText).join(" ");
  return text !== "" && bold === text;
}

function isCell(node: DomNode): boolean {
  return node.name === "td" || node.name === "th";
}

function cellText(cell: DomNode): string {
  return normalizeLine(textOf(cell));
}

/** Descendants with that tag name, in document order. */
function find(node: DomNode, name: string): DomNode[] {
  return (node.children ?? []).flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...find(child, name),
  ]);
}

function textOf(node: DomNode): string {
  if (node.type === "text") return node.data ?? "";
  if (node.type !== "tag") return "";
  return node.children.map(textOf).join(node.name === "br" ? " " : "");
}

const PUBLICATION_DATES = new Set(["article:published_time", "date", "dcterms.date"]);

const Attributes = z.record(z.string(), z.string()).catch({});

function readLink(element: DomNode, fields: PageFields): void {
  const { rel, href } = Attributes.parse(element.attribs);
  if (rel?.toLowerCase() === "canonical") fields.canonicalUrl ??= readWebUrl(href ?? "");
}

function readMeta(element: DomNode, fields: PageFields): void {
  const { property, name, content = "" } = Attributes.parse(element.attribs);
  const kind = (property ?? name ?? "").toLowerCase();
  if (kind === "og:url") fields.openGraphUrl ??= readWebUrl(content);
  if (PUBLICATION_DATES.has(kind)) fields.publishedOn ??= readIsoDate(content);
}
