import { errorCode } from "../../../text/error-message.ts";
import {
  type Block,
  type DocumentSection,
  DocumentUnreadable,
  type ParsedDocument,
} from "../document.ts";
import type { Passage } from "../source.ts";
import { splitPassages } from "../text/passages.ts";

/** What identifies a document. Null: the file does not contain the value. */
export type DocumentHead = Pick<ParsedDocument, "title" | "url" | "publishedOn">;

/** A document in parts of bounded size, in this order: one head, its passages, its problems. */
export type DocumentPart =
  | { kind: "head"; head: DocumentHead }
  | { kind: "passages"; passages: Passage[] }
  | { kind: "problems"; problems: string[] };

/** How the reading thread is done with a file. */
export type ThreadOutcome =
  | { kind: "end" }
  | { kind: "gone" }
  | { kind: "unreadable"; message: string };

/** What the reading thread sends; `alive` now and then, while it is not busy with one thing all the time. */
export type ThreadReply = DocumentPart | ThreadOutcome | { kind: "alive" };

/** So few that they are received and stored within milliseconds. */
const PASSAGES_AT_ONCE = 100;

/** The parts of a document that was parsed as a whole. */
export function* toParts({
  title,
  url,
  publishedOn,
  sections,
  problems,
}: ParsedDocument): Generator<DocumentPart, void> {
  yield { kind: "head", head: { title, url, publishedOn } };
  yield* toPassageParts(sections);
  if (problems.length > 0) yield { kind: "problems", problems };
}

/** The passages of sections, some at a time. */
export function* toPassageParts(
  sections: readonly DocumentSection[],
): Generator<DocumentPart, void> {
  const passages = sections.flatMap(splitPassages);
  for (let start = 0; start < passages.length; start += PASSAGES_AT_ONCE) {
    yield { kind: "passages", passages: passages.slice(start, start + PASSAGES_AT_ONCE) };
  }
}

/** What a reader threw, in words that follow the name of the file. */
export function toUnreadable(error: unknown): DocumentUnreadable {
  if (error instanceof DocumentUnreadable) return error;
  if (errorCode(error) === "ERR_MODULE_NOT_FOUND") {
    return new DocumentUnreadable(
      "cannot be read: a part of this program is not there any more. Start the program again",
      { cause: error },
    );
  }
  // Hostile nesting exhausts the parsers' stack; one bad file must not stop the others.
  return new DocumentUnreadable("cannot be parsed; its structure is damaged or nested too deep", {
    cause: error,
  });
}

/** A row, a record, or a member: one of the pieces that a file of data consists of. */
export interface DataRecord {
  /** The name of the list that holds it. */
  heading: string | null;
  blocks: Block[];
  /** What the record says of the file. */
  head?: DocumentHead;
}
