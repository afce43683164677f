import { DocumentUnreadable, type ParsedDocument } from "../document.ts";
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

/** Decodes and parses a text. Throws {@link DocumentUnreadable}, and what a parser throws. */
export async function parseText(bytes: Buffer, extension: TextExtension): Promise<ParsedDocument> {
  const parse = await PARSERS[extension]();
  return parse(decode(bytes));
}

function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  const isUtf16LittleEndian = first === 0xff && second === 0xfe;
  const isUtf16BigEndian = first === 0xfe && second === 0xff;
  if (isUtf16LittleEndian) return decodeAs("utf-16le", bytes);
  if (isUtf16BigEndian) return decodeAs("utf-16be", bytes);
  if (bytes.includes(0)) throw new DocumentUnreadable("is a binary file");
  const charset = declaredCharset(bytes);
  return decodeAs(charset ?? "utf-8", bytes);
}

function decodeAs(encoding: string, bytes: Buffer): string {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    // Control characters mean nothing in text, and the HTML reader marks its headings with one.
    return text.replace(/[^\P{Cc}\n\r\t]/gu, "");
  } catch (error) {
    throw new DocumentUnreadable(`is not ${encoding} text; save it as UTF-8`, { cause: error });
  }
}

/** `<meta charset=…>` of an HTML page. HTML asks for it within the first 1,024 bytes. */
function declaredCharset(bytes: Buffer): string | null {
  const head = bytes.subarray(0, 1_024).toString("latin1");
  return /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1]?.toLowerCase() ?? null;
}
