import { extname } from "node:path";
import { DOCUMENT_LIMITS } from "../limits.ts";

/** Files whose bytes are text. */
const TEXT_EXTENSIONS = [
  ".md",
  ".markdown",
  ".mdx",
  ".txt",
  ".rst",
  ".adoc",
  ".org",
  ".tex",
  ".log",
  ".yaml",
  ".yml",
  ".toml",
  ".srt",
  ".vtt",
  ".html",
  ".htm",
  ".xhtml",
  ".xml",
  ".ipynb",
  ".csv",
  ".tsv",
  ".json",
  ".jsonl",
  ".ndjson",
] as const;
/** Files that have to be unpacked or drawn to get their text. */
const BINARY_EXTENSIONS = [
  ".pdf",
  ".docx",
  ".pptx",
  ".xlsx",
  ".odt",
  ".ods",
  ".odp",
  ".epub",
] as const;

export type TextExtension = (typeof TEXT_EXTENSIONS)[number];
export type BinaryExtension = (typeof BINARY_EXTENSIONS)[number];

/** How a file is read, by its name. */
export type Format =
  | { kind: "text"; extension: TextExtension }
  | { kind: "binary"; extension: BinaryExtension };

const FORMATS = new Map<string, Format>([
  ...TEXT_EXTENSIONS.map((extension) => [extension, { kind: "text", extension }] as const),
  ...BINARY_EXTENSIONS.map((extension) => [extension, { kind: "binary", extension }] as const),
]);

/** The format of a file with this name; null for files that are not read. */
export function formatOf(name: string): Format | null {
  return FORMATS.get(extname(name).toLowerCase()) ?? null;
}

/** Rows and records, of which there may be many. */
const DATA_EXTENSIONS: ReadonlySet<TextExtension> = new Set([
  ".csv",
  ".tsv",
  ".json",
  ".jsonl",
  ".ndjson",
]);

/** The most bytes that a text file may have. */
export function maxTextBytes(extension: TextExtension): number {
  return DATA_EXTENSIONS.has(extension) ? DOCUMENT_LIMITS.dataBytes : DOCUMENT_LIMITS.textBytes;
}
