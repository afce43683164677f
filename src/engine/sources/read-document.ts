import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import type { ParsedDocument, Section } from "./document.ts";
import { splitPassages } from "./passages.ts";

/** A file of a document folder, cut into passages. */
export interface SourceDocument {
  title: string;
  /** Where it was published, else the `file:` URL of the file. */
  url: string;
  publishedOn: string | null;
  passages: Section[];
  /** What was wrong with the file although its text could be read. */
  problems: string[];
}

/** The file cannot be a source; the message says why, in words that follow its name. */
export class DocumentUnreadable extends Error {
  override readonly name = "DocumentUnreadable";
}

/** A book has about 1 MB of text; larger files are data or logs, and would hold up every other document. */
export const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024;

type Parse = (text: string) => ParsedDocument;

const loadMarkdown = async (): Promise<Parse> => (await import("./markdown.ts")).parseMarkdown;
const loadPlainText = async (): Promise<Parse> => (await import("./plain-text.ts")).parsePlainText;
const loadHtml = async (): Promise<Parse> => (await import("./html.ts")).parseHtml;

/** By extension. Parsers are large, and a folder that is indexed needs none: each is loaded by its first document. */
const PARSERS: Record<string, () => Promise<Parse>> = {
  ".md": loadMarkdown,
  ".markdown": loadMarkdown,
  ".txt": loadPlainText,
  ".html": loadHtml,
  ".htm": loadHtml,
};

/** Whether the file name is one of a format that can be read. */
export function isDocumentName(name: string): boolean {
  return extname(name).toLowerCase() in PARSERS;
}

/** Reads and parses one file. Throws {@link DocumentUnreadable}. */
export async function readDocument(path: string): Promise<SourceDocument> {
  const extension = extname(path).toLowerCase();
  const load = PARSERS[extension];
  if (load === undefined) throw new DocumentUnreadable(`is of an unknown format (${extension})`);
  const parsed = parseText(decode(await readBytes(path)), await load());
  return {
    title: parsed.title ?? basename(path, extname(path)),
    url: parsed.url ?? pathToFileURL(path).href,
    publishedOn: parsed.publishedOn,
    passages: parsed.sections.flatMap(splitPassages),
    problems: parsed.problems,
  };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new DocumentUnreadable(`cannot be read (${reason}); check its permissions`, {
      cause: error,
    });
  }
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

function parseText(text: string, parse: Parse): ParsedDocument {
  try {
    return parse(text);
  } catch (error) {
    // Hostile nesting exhausts the parsers' stack; one bad file must not stop the others.
    throw new DocumentUnreadable("cannot be parsed; its structure is damaged or nested too deep", {
      cause: error,
    });
  }
}
