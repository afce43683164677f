/**
 * A passage's row id is its document's id times this, plus its position: an FTS5 table can be searched only by row id
 * and by words, and so the passages of a document are one range. Ids stay exact up to 2^33 documents.
 */
export const PASSAGES_PER_DOCUMENT = 2 ** 20;

/** The row ids a document's passages may have: `first` is in, `end` is not. */
export function passageRange(documentId: number): { first: number; end: number } {
  const first = documentId * PASSAGES_PER_DOCUMENT;
  return { first, end: first + PASSAGES_PER_DOCUMENT };
}

export function documentIdOf(rowid: number): number {
  return Math.floor(rowid / PASSAGES_PER_DOCUMENT);
}
