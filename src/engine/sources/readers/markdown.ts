import { Lexer, type MarkedToken, type Token } from "marked";
import {
  type Block,
  describeRow,
  firstHeading,
  groupSections,
  normalizeLine,
  type ParsedDocument,
} from "../document.ts";
import type { Place } from "../source.ts";
import { readFrontMatter } from "./front-matter.ts";
import { readHtmlBlocks } from "./html.ts";

/** Reads a Markdown file: markup is stripped, links keep their text, table rows name their columns. */
export function parseMarkdown(text: string): ParsedDocument {
  const { body, bodyLine, problems, ...fields } = readFrontMatter(text);
  const blocks = readBlocks(lexMarkdown(body), bodyLine);
  const title = fields.title ?? firstHeading(blocks);
  return {
    title,
    url: fields.url,
    publishedOn: fields.publishedOn,
    sections: groupSections(blocks, title),
    problems,
  };
}

/**
 * Inline markup is parsed only in lines with at most this many markers. The parsing time grows with the square of the
 * unmatched markers; a hostile file of 600 kB would take minutes.
 */
const MAX_MARKERS = 200;
const MAX_INLINE_CHARS = 20_000;

/** Marked's lexer, which leaves hostile lines as they are. */
function lexMarkdown(text: string): Token[] {
  const lexer = new Lexer();
  lexer.blockTokens(text, lexer.tokens);
  for (const { src, tokens } of lexer.inlineQueue) {
    const markers = src.match(/[*_~`[\]<]/g)?.length ?? 0;
    const isReadable = src.length <= MAX_INLINE_CHARS && markers <= MAX_MARKERS;
    if (isReadable) lexer.inlineTokens(src, tokens);
    else tokens.push({ type: "text", raw: src, text: src });
  }
  return lexer.tokens;
}

/** The blocks of tokens that begin in that line of the file. */
function readBlocks(tokens: readonly Token[], firstLine: number): Block[] {
  let line = firstLine;
  return tokens.filter(isMarkedToken).flatMap((token) => {
    const place: Place = { unit: "line", number: line };
    const blocks = readBlock(token, line);
    line += countLineEnds(token.raw);
    return blocks.map((block) => ({ place, ...block }));
  });
}

function countLineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

function readBlock(token: MarkedToken, line: number): Block[] {
  switch (token.type) {
    case "heading":
      return nonEmpty({ kind: "heading", level: token.depth, text: plainText(token.tokens) });
    case "paragraph":
      return nonEmpty({ kind: "line", text: plainText(token.tokens) });
    case "text":
      return nonEmpty({ kind: "line", text: token.tokens ? plainText(token.tokens) : token.text });
    case "blockquote":
      return readBlocks(token.tokens, line);
    case "list":
      return readBlocks(token.items, line);
    case "list_item":
      return readBlocks(token.tokens, line);
    case "table": {
      const headers = token.header.map((cell) => plainText(cell.tokens));
      return token.rows.flatMap((row, index) => {
        const cells = row.map((cell) => plainText(cell.tokens));
        // The names of the columns and the rule below them stand above.
        return linesAt(line + 2 + index, describeRow(headers, cells));
      });
    }
    case "code":
      return linesAt(token.codeBlockStyle === "indented" ? line : line + 1, token.text);
    case "html":
      return readHtmlBlocks(token.text).blocks;
    // Inline tokens do not stand alone, a definition is only a link's target, the others have no text.
    case "br":
    case "checkbox":
    case "codespan":
    case "def":
    case "del":
    case "em":
    case "escape":
    case "hr":
    case "image":
    case "link":
    case "space":
    case "strong":
      return [];
  }
}

function linesAt(first: number, text: string): Block[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      nonEmpty({ kind: "line", text: line, place: { unit: "line", number: first + index } }),
    );
}

function nonEmpty(block: Block): Block[] {
  const text = normalizeLine(block.text);
  return text === "" ? [] : [{ ...block, text }];
}

function plainText(tokens: readonly Token[]): string {
  return normalizeLine(tokens.filter(isMarkedToken).map(readInline).join(""));
}

function readInline(token: MarkedToken): string {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
    case "link":
      return token.tokens.filter(isMarkedToken).map(readInline).join("");
    case "text":
      return decodeEntities(token.text);
    case "escape":
    case "codespan":
    case "image":
      return token.text;
    case "br":
      return " ";
    // Tags inside a line; and blocks, which do not occur there.
    case "html":
    case "blockquote":
    case "checkbox":
    case "code":
    case "def":
    case "heading":
    case "hr":
    case "list":
    case "list_item":
    case "paragraph":
    case "space":
    case "table":
      return "";
  }
}

/** The character references people type into Markdown; the lexer leaves them as they are. */
const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": " ",
};

function decodeEntities(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** Extensions may add token types; none is installed, and an unknown one would carry no text we know how to read. */
const TOKEN_TYPES: ReadonlySet<string> = new Set<MarkedToken["type"]>([
  "blockquote",
  "br",
  "checkbox",
  "code",
  "codespan",
  "def",
  "del",
  "em",
  "escape",
  "heading",
  "hr",
  "html",
  "image",
  "link",
  "list",
  "list_item",
  "paragraph",
  "space",
  "strong",
  "table",
  "text",
]);

function isMarkedToken(token: Token): token is MarkedToken {
  return TOKEN_TYPES.has(token.type);
}
