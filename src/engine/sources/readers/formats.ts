import { extname } from "node:path";

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
const DATA_EXTENSIONS = [".csv", ".tsv", ".json", ".jsonl", ".ndjson"] as const;

export type DataExtension = (typeof DATA_EXTENSIONS)[number];

/** The extension of a file of data; null for other files. */
export function dataExtensionOf(extension: TextExtension): DataExtension | null {
  return DATA_EXTENSIONS.find((each) => each === extension) ?? null;
}
