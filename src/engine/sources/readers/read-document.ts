import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { DocumentUnreadable } from "../document.ts";
import { READING_LIMITS } from "../limits.ts";
import type { Passage } from "../source.ts";
import { type DocumentHead, type DocumentPart, toParts, toUnreadable } from "./document-parts.ts";
import { formatOf } from "./formats.ts";
import { readBytes } from "./open-file.ts";
import { ReadingThread } from "./reading-thread.ts";
import { parseText } from "./read-text.ts";

/** A file of a document folder, cut into passages. */
export interface SourceDocument {
  title: string;
  /** The URL where it was published, else the `file:` URL of the file. */
  url: string;
  publishedOn: string | null;
  passages: Passage[];
  /** Problems of the file that did not prevent reading its text. */
  problems: string[];
}

const thread = new ReadingThread();

/** Reads and parses one file. Throws what {@link readDocumentParts} throws. */
export async function readDocument(path: string, signal?: AbortSignal): Promise<SourceDocument> {
  let head = completeHead(path, null);
  const passages: Passage[] = [];
  const problems: string[] = [];
  for await (const part of readDocumentParts(path, signal)) {
    if (part.kind === "head") head = completeHead(path, part.head);
    else if (part.kind === "passages") passages.push(...part.passages);
    else problems.push(...part.problems);
  }
  return { ...head, passages, problems };
}

/** What identifies a document that says itself what `head` has. */
export function completeHead(
  path: string,
  head: DocumentHead | null,
): Pick<SourceDocument, "title" | "url" | "publishedOn"> {
  return {
    title: head?.title ?? basename(path, extname(path)),
    url: head?.url ?? pathToFileURL(path).href,
    publishedOn: head?.publishedOn ?? null,
  };
}

/**
 * Reads and parses one file, part by part. Small texts are parsed here, because that takes less time than asking the
 * thread. Throws {@link DocumentUnreadable}, `FileGone` and the reason of the signal.
 */
export async function* readDocumentParts(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<DocumentPart, void> {
  const format = formatOf(path);
  if (format === null) {
    throw new DocumentUnreadable(`is of an unknown format (${extname(path).toLowerCase()})`);
  }
  const bytes = format.kind === "text" ? await readBytes(path, READING_LIMITS.bytesHere) : null;
  if (format.kind === "binary" || bytes === null) {
    yield* thread.read(path, signal);
    return;
  }
  try {
    yield* toParts(await parseText(bytes, format.extension));
  } catch (error) {
    throw toUnreadable(error);
  }
}
