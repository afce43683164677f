const MIB = 1024 * 1024;

/** The limits for one file of a document folder. Content beyond a limit is skipped, with a warning. */
export const DOCUMENT_LIMITS = {
  /** A book has about 1 MB of text; larger files are data or logs, and would hold up every other document. */
  textBytes: 5 * MIB,
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
