import { parseJson } from "../../../text/json.ts";
import { DocumentUnreadable } from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";

/** A value of a JSON text whose root is a list or an object. */
export interface JsonItem {
  /** The name of the root's member that holds the value; null in a list. */
  key: string | null;
  /** Whether the member is a list, and the value an item of it. */
  isListed: boolean;
  value: unknown;
}

const STRUCTURE = /["[\]{},:]/g;
const IN_STRING = /["\\]/g;

/**
 * The items of a list, or the members of an object, one after another: of a member that is a list, its items. So a text of
 * any length is read in the memory of its largest value. Throws what `JSON.parse` throws, and `DocumentUnreadable`.
 */
export async function* splitJson(chunks: AsyncIterable<string>): AsyncGenerator<JsonItem, void> {
  const splitter = new JsonSplitter();
  for await (const chunk of chunks) yield* splitter.add(chunk);
  splitter.end();
}

class JsonSplitter {
  /** What of the text is not split yet; it begins with the current value. */
  #text = "";
  /** How far it has been looked at. */
  #at = 0;
  #inString = false;
  #depth = 0;
  #root: string | null = null;
  #key: string | null = null;
  #isListed = false;

  *add(chunk: string): Generator<JsonItem, void> {
    this.#text += chunk;
    let begin = 0;
    for (let at = this.#next(); at !== null; at = this.#next()) {
      const sign = this.#text[at] ?? "";
      if (sign === "[" || sign === "{") {
        if (this.#open(sign)) begin = at + 1;
        continue;
      }
      const isEdge = this.#depth === (this.#isListed ? 2 : 1);
      if (sign === ":") {
        if (!isEdge || this.#root !== "{" || this.#key !== null) continue;
        this.#key = String(parseJson(this.#text.slice(begin, at)));
        begin = at + 1;
        continue;
      }
      if (isEdge) {
        const text = this.#text.slice(begin, at).trim();
        const [key, isListed] = [this.#key, this.#isListed];
        if (text !== "") yield { key, isListed, value: parseJson(text) };
        begin = at + 1;
      }
      if (sign === ",") this.#endMember();
      else this.#close();
    }
    this.#text = this.#text.slice(begin);
    this.#at -= begin;
  }

  end(): void {
    if (this.#root === null || this.#depth > 0) throw new Error("The JSON text is cut");
  }

  /** The place of the next sign of the structure; null when the text ends before. */
  #next(): number | null {
    for (;;) {
      const signs = this.#inString ? IN_STRING : STRUCTURE;
      signs.lastIndex = this.#at;
      const found = signs.exec(this.#text);
      // An escape may end in the next chunk.
      if (found === null) {
        this.#at = Math.max(this.#at, this.#text.length);
        return null;
      }
      const [sign] = found;
      this.#at = found.index + (sign === "\\" ? 2 : 1);
      if (sign === '"') this.#inString = !this.#inString;
      else if (!this.#inString) return found.index;
    }
  }

  /** Whether a value of its own begins behind the sign. */
  #open(sign: string): boolean {
    this.#depth += 1;
    checkJsonDepth(this.#depth);
    if (this.#depth === 1) {
      this.#root = sign;
      return true;
    }
    const isList = this.#depth === 2 && this.#root === "{" && sign === "[";
    if (isList) this.#isListed = true;
    return isList;
  }

  #close(): void {
    this.#depth -= 1;
    if (this.#depth === 1) this.#isListed = false;
  }

  #endMember(): void {
    if (this.#depth === 1) this.#key = null;
  }
}

/** Throws {@link DocumentUnreadable} for a text that is nested deeper than people write. */
export function checkJsonDepth(depth: number): void {
  if (depth <= DOCUMENT_LIMITS.jsonDepth) return;
  throw new DocumentUnreadable(`is nested more than ${DOCUMENT_LIMITS.jsonDepth} levels deep`);
}
