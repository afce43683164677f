import { convert, type DomNode, type FormatCallback, type SelectorDefinition } from "html-to-text";
import { z } from "zod";
import {
  type Block,
  describeRow,
  dropRuns,
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

/**
 * Marks in the converted text: of a heading, then its level in base 36; of a link, by where it leads, and of its end.
 * Control characters never come out of HTML text (see `normalizeLine`).
 */
const HEADING_MARK = "\u0001";
const LINK_MARKS = { elsewhere: "\u0002", near: "\u0003", here: "\u0004", end: "\u0005" };
const LINKED = /([\u0002-\u0004])([^\u0005]*)\u0005/g;

/** Deeper nesting is an attack or a mistake; the converter recurses, so it needs a limit. */
const MAX_DEPTH = 200;

/**
 * Reads an HTML page: scripts, styles, navigation and forms are dropped, table rows name their columns, and the term of
 * a definition is a heading.
 */
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
  let listDepth = 0;
  const text = convert(html, {
    wordwrap: false,
    baseElements: { selectors: ["html"], returnDomByDefault: true },
    limits: { maxDepth: MAX_DEPTH, ellipsis: "" },
    formatters: {
      markedHeading: (element, walk, builder) =>
        addHeading(Number(element.name?.slice(1)), builder, () => walk(element.children, builder)),
      definitions: (element, walk, builder) => {
        listDepth += 1;
        walk(element.children, builder);
        // Text below the list belongs to the heading above it.
        addHeading(H6 + listDepth, builder, () => undefined);
        listDepth -= 1;
      },
      term: (element, walk, builder) =>
        addHeading(H6 + listDepth, builder, () => walk(element.children, builder)),
      markedLink: formatLink,
      namedRows: formatTable,
      pageTitle: (element) => {
        fields.title ??= normalizeLine(textOf(element)) || null;
      },
      pageLink: (element) => readLink(element, fields),
      pageMeta: (element) => readMeta(element, fields),
    },
    selectors: SELECTORS,
  });
  const lines = text.split("\n").flatMap(readLine);
  return { blocks: joinTerms(dropLinkLists(lines).map(({ block }) => block)), fields };
}

const DROPPED = [
  "nav, footer, form, button, select, noscript, template, svg, img, hr",
  // The landmarks of WAI-ARIA 1.2 and DPUB-ARIA 1.1, and the classes of pages without such roles.
  "[role=navigation], [role=search], [role=contentinfo], [role=doc-toc]",
  ".breadcrumb, .breadcrumbs, .footer, #footer, .toc, #toc",
  // DocBook, Sphinx, Publican, Texinfo.
  ".navheader, .navfooter, .related, .sphinxsidebar, .docnav, .nav-panel",
].flatMap((selectors) => selectors.split(", "));
const OWN_LINE = ["ul", "ol", "li", "dd", "figcaption", "blockquote"];
const ONE_BREAK = { leadingLineBreaks: 1, trailingLineBreaks: 1 };

const SELECTORS: SelectorDefinition[] = [
  { selector: "title", format: "pageTitle" },
  { selector: "link", format: "pageLink" },
  { selector: "meta", format: "pageMeta" },
  { selector: "a", format: "markedLink" },
  { selector: "dl", format: "definitions" },
  { selector: "dt", format: "term" },
  { selector: "table", format: "namedRows" },
  ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({
    selector,
    format: "markedHeading",
  })),
  ...OWN_LINE.map((selector) => ({ selector, format: "block", options: ONE_BREAK })),
  { selector: "pre", format: "pre", options: ONE_BREAK },
  ...DROPPED.map((selector) => ({ selector, format: "skip" })),
];

/** The share of a line's letters in links to this page, in links to pages near it too, and in all links. */
interface Line {
  block: Block;
  here: number;
  near: number;
  linked: number;
}

function readLine(line: string): Line[] {
  let text = normalizeLine(line.replaceAll(/[\u0002-\u0005]/g, ""));
  let level = 0;
  if (line.startsWith(HEADING_MARK)) {
    level = Number.parseInt(text.slice(0, 1), 36);
    text = text.slice(1).trim();
  }
  // An empty heading says nothing; the end of a list of definitions does.
  if (text === "" && level <= H6) return [];
  const isHeading = level > 0 && (level <= H6 || text.length <= MAX_TERM_CHARS);
  const shares = { here: 0, near: 0, linked: 0 };
  const letters = Math.max(1, countLetters(text));
  for (const [, mark, link = ""] of line.matchAll(LINKED)) {
    const share = countLetters(link) / letters;
    shares.linked += share;
    if (mark !== LINK_MARKS.elsewhere) shares.near += share;
    if (mark === LINK_MARKS.here) shares.here += share;
  }
  const block: Block = isHeading ? { kind: "heading", level, text } : { kind: "line", text };
  return [{ block, ...shares }];
}

function countLetters(text: string): number {
  return text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
}

/** A line of a menu or a list of contents has hardly a letter that is no link. */
const MENU_SHARE = 0.9;
const MIN_MENU_LINES = 3;
/** Prose has a third of its letters in links at most, indexes and contents two thirds and more. */
const INDEX_SHARE = 0.5;
/** A page with fewer letters in links is just short. */
const MIN_INDEX_LETTERS = 500;

/**
 * Leaves out the menu above the first heading, lists of the headings of this page, and indexes and tables of contents:
 * pages that are mostly links to others, which have the same words as their titles and headings. Source: C. Kohlschütter
 * et al., "Boilerplate Detection using Shallow Text Features", 2010.
 */
function dropLinkLists(lines: readonly Line[]): Line[] {
  let letters = 0;
  let nearLetters = 0;
  for (const { block, near } of lines) {
    letters += block.text.length;
    nearLetters += block.text.length * near;
  }
  const isIndex = nearLetters >= Math.max(MIN_INDEX_LETTERS, letters * INDEX_SHARE);
  if (isIndex)
    return lines.filter(({ block, near }) => block.kind === "line" && near < INDEX_SHARE);

  const bodyStart = lines.findIndex(({ block }) => block.kind === "heading");
  const isMenu = ({ block, here, linked }: Line, index: number) =>
    block.kind === "line" && (index < bodyStart ? linked : here) >= MENU_SHARE;
  return dropRuns(lines, isMenu, MIN_MENU_LINES);
}

/** The terms that share a definition are one heading. */
function joinTerms(blocks: readonly Block[]): Block[] {
  const joined: Block[] = [];
  for (const block of blocks) {
    const before = joined.at(-1);
    const isNextTerm =
      block.kind === "heading" &&
      before?.kind === "heading" &&
      block.level > H6 &&
      block.level === before.level &&
      block.text !== "" &&
      before.text !== "" &&
      before.text.length + block.text.length <= MAX_TERM_CHARS;
    if (isNextTerm) before.text += `, ${block.text}`;
    else joined.push({ ...block });
  }
  return joined;
}

/** The lowest level of headings; terms of definitions lie below it. */
const H6 = 6;
/** Longer terms are prose. */
const MAX_TERM_CHARS = 200;

/** A heading of that level, of what is written meanwhile. */
function addHeading(
  level: number,
  builder: Parameters<FormatCallback>[2],
  write: () => void,
): void {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addLiteral(`${HEADING_MARK}${Math.min(level, 35).toString(36)}`);
  write();
  builder.closeBlock({ trailingLineBreaks: 2 });
}

const formatLink: FormatCallback = (element, walk, builder) => {
  // The sign behind a heading that leads to itself.
  const target = leadsTo(element);
  if (target === "here" && countLetters(textOf(element)) === 0) return;
  builder.addInline(LINK_MARKS[target]);
  walk(element.children, builder);
  builder.addInline(LINK_MARKS.end);
};

/** A path without `/` before it leads to another file of the same documents. */
function leadsTo(link: DomNode): "elsewhere" | "near" | "here" {
  const { href = "" } = Attributes.parse(link.attribs);
  if (href.startsWith("#")) return "here";
  return href === "" || /^(?:[a-z][a-z\d+.-]*:|\/)/i.test(href) ? "elsewhere" : "near";
}

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
    const text = describeRow(headers, row.map(cellText));
    builder.addLiteral(isIndexRow(row, text) ? `${LINK_MARKS.near}${text}${LINK_MARKS.end}` : text);
    builder.closeBlock(ONE_BREAK);
  }
};

/** The columns of an index may be the cells of a table. */
function isIndexRow(row: readonly DomNode[], text: string): boolean {
  const links = row
    .flatMap((cell) => find(cell, "a"))
    .filter((link) => leadsTo(link) !== "elsewhere");
  const linked = links.reduce((sum, link) => sum + textOf(link).length, 0);
  return linked >= text.length * INDEX_SHARE;
}

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
