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

const lines = async (): Promise<TextParser> => (await import("./lines.ts")).parseLines;
const subtitles = async (): Promise<TextParser> => (await import("./markup.ts")).parseSubtitles;

const PARSERS: Record<TextExtension, () => Promise<TextParser>> = {
  ".md": markdown,
  ".markdown": markdown,
  ".mdx": markdown,
  ".txt": plainText,
  ".rst": async () => (await import("./markup.ts")).parseRst,
  ".adoc": async () => (await import("./markup.ts")).parseAsciiDoc,
  ".org": async () => (await import("./markup.ts")).parseOrg,
  ".tex": async () => (await import("./markup.ts")).parseTex,
  ".log": lines,
  ".yaml": lines,
  ".yml": lines,
  ".toml": lines,
  ".srt": subtitles,
  ".vtt": subtitles,
  ".html": html,
  ".htm": html,
  ".xhtml": html,
  ".xml": async () => (await import("./xml.ts")).parseXml,
  ".ipynb": async () => (await import("./lines.ts")).parseNotebook,
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
