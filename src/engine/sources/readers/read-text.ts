import type { ParsedDocument } from "../document.ts";
import { decodeText } from "./decode-text.ts";
import type { TextExtension } from "./formats.ts";

type TextParser = (text: string) => ParsedDocument;

/** A parser is loaded by its first document: parsers are large, and an indexed folder needs none. */
const markdown = async (): Promise<TextParser> => (await import("./markdown.ts")).parseMarkdown;
const html = async (): Promise<TextParser> => (await import("./html.ts")).parseHtml;
const csv = async (): Promise<TextParser> => (await import("./csv.ts")).parseCsv;
const plainText = async (): Promise<TextParser> => (await import("./plain-text.ts")).parsePlainText;
const json = async (): Promise<TextParser> => (await import("./json.ts")).parseJsonDocument;
const jsonLines = async (): Promise<TextParser> =>
  (await import("./json.ts")).parseJsonLinesDocument;

const PARSERS: Record<TextExtension, () => Promise<TextParser>> = {
  ".md": markdown,
  ".markdown": markdown,
  ".txt": plainText,
  ".html": html,
  ".htm": html,
  ".csv": csv,
  ".tsv": csv,
  ".json": json,
  ".jsonl": jsonLines,
  ".ndjson": jsonLines,
};

/** Decodes and parses a text. Throws `DocumentUnreadable`, and what a parser throws. */
export async function parseText(bytes: Buffer, extension: TextExtension): Promise<ParsedDocument> {
  const parse = await PARSERS[extension]();
  const { text, problems } = decodeText(bytes);
  const document = parse(text);
  return { ...document, problems: [...problems, ...document.problems] };
}
