import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { DocumentUnreadable, type ParsedDocument, type DocumentSection } from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import { splitPassages } from "../text/passages.ts";
import { readBytes } from "./open-file.ts";

/** A file of a document folder, cut into passages. */
export interface SourceDocument {
  title: string;
  /** The URL where it was published, else the `file:` URL of the file. */
  url: string;
  publishedOn: string | null;
  passages: DocumentSection[];
  /** Problems of the file that did not prevent reading its text. */
  problems: string[];
}

/** A format of files. Its parser is loaded by its first document: parsers are large, and an indexed folder needs none. */
interface Format {
  maxBytes: number;
  read(bytes: Buffer): Promise<ParsedDocument>;
}

function textFormat(load: () => Promise<(text: string) => ParsedDocument>): Format {
  return {
    maxBytes: DOCUMENT_LIMITS.textBytes,
    read: async (bytes) => (await load())(decode(bytes)),
  };
}

function binaryFormat(load: () => Promise<(bytes: Buffer) => Promise<ParsedDocument>>): Format {
  return {
    maxBytes: DOCUMENT_LIMITS.binaryBytes,
    read: async (bytes) => (await load())(bytes),
  };
}

const markdown = textFormat(async () => (await import("./markdown.ts")).parseMarkdown);
const plainText = textFormat(async () => (await import("./plain-text.ts")).parsePlainText);
const html = textFormat(async () => (await import("./html.ts")).parseHtml);
const csv = textFormat(async () => (await import("./csv.ts")).parseCsv);
const json = textFormat(async () => (await import("./json.ts")).parseJsonDocument);
const jsonLines = textFormat(async () => (await import("./json.ts")).parseJsonLinesDocument);
const pdf = binaryFormat(async () => (await import("./pdf.ts")).parsePdf);
const docx = binaryFormat(async () => (await import("./docx.ts")).parseDocx);

const FORMATS: Record<string, Format> = {
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
  ".pdf": pdf,
  ".docx": docx,
};

/** Whether the file name is one of a format that can be read. */
export function isDocumentName(name: string): boolean {
  return extname(name).toLowerCase() in FORMATS;
}

/** Reads and parses one file. Throws {@link DocumentUnreadable} and `FileGone`. */
export async function readDocument(path: string): Promise<SourceDocument> {
  const extension = extname(path).toLowerCase();
  const format = FORMATS[extension];
  if (format === undefined) throw new DocumentUnreadable(`is of an unknown format (${extension})`);
  const parsed = await parse(await readBytes(path, format.maxBytes), format);
  return {
    title: parsed.title ?? basename(path, extname(path)),
    url: parsed.url ?? pathToFileURL(path).href,
    publishedOn: parsed.publishedOn,
    passages: parsed.sections.flatMap(splitPassages),
    problems: parsed.problems,
  };
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

async function parse(bytes: Buffer, format: Format): Promise<ParsedDocument> {
  try {
    return await format.read(bytes);
  } catch (error) {
    if (error instanceof DocumentUnreadable) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
      throw new DocumentUnreadable(
        "cannot be read: a part of this program is not there any more. Start the program again",
        { cause: error },
      );
    }
    // Hostile nesting exhausts the parsers' stack; one bad file must not stop the others.
    throw new DocumentUnreadable("cannot be parsed; its structure is damaged or nested too deep", {
      cause: error,
    });
  }
}
