const MIB = 1024 * 1024;

/** The limits for one file of a document folder. Content beyond a limit is skipped, with a warning. */
export const DOCUMENT_LIMITS = {
  /** A book has about 1 MB of text; larger files are data or logs, and would hold up every other document. */
  textBytes: 5 * MIB,
  /** Tables and records, which are read and stored piece by piece: see docs/documents.md for how long it takes. */
  dataBytes: 200 * MIB,
  /** Images and fonts make most of these formats; a scanned book of 300 pages fits. */
  binaryBytes: 25 * MIB,
  /** A report has hundreds of pages; ten milliseconds each, thousands would keep runs waiting for a minute. */
  pdfPages: 2_000,
  /**
   * The limit for the unpacked parts of a Word file: ten times the limit for its text, so that a zip bomb is not
   * unpacked.
   */
  unpackedBytes: 50 * MIB,
  /** Deeper JSON is not written by people, and is walked with recursion. */
  jsonDepth: 32,
} as const;

/** The limits for reading one file. */
export const READING_LIMITS = {
  /** Text up to this size is parsed within some 30 ms in the thread that serves requests; larger files are read beside it. */
  bytesHere: 64 * 1024,
  /** Data up to this size is parsed as a whole. */
  wholeDataBytes: 1 * MIB,
  /** The longest step of a parser; a page of a PDF, or a Word file of the largest size, takes a few seconds. */
  silenceMs: 10_000,
  /** 2,000 pages of a PDF take 20 s; a busy machine has several times as long. */
  totalMs: 120_000,
  /** How far the memory of the process may grow: it holds buffers, which the limit of a thread does not count. */
  memoryBytes: 512 * MIB,
  /** The JavaScript objects of the thread. */
  heapBytes: 512 * MIB,
} as const;
