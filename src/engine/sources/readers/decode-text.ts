import { isUtf8 } from "node:buffer";
import { analyse } from "chardet";
import { DocumentUnreadable } from "../document.ts";

/** How the bytes of a file become text. */
export interface Encoding {
  /** A label of the Encoding Standard. */
  label: string;
  /** Why a reader should know, in words that follow the name of the file; null when the file says its encoding. */
  problem: string | null;
}

/** Decodes a whole file. Line ends become `\n`. Throws {@link DocumentUnreadable} for a file that is no text. */
export function decodeText(bytes: Buffer): { text: string; problems: string[] } {
  const { label, problem } = detectEncoding(bytes);
  const decoder = new TextDecoder(label);
  // Node 20 takes windows-1252 for Latin-1 unless it decodes a stream: https://github.com/nodejs/node/issues/56542
  const text = dropControls(decoder.decode(bytes, { stream: true }) + decoder.decode());
  return { text, problems: problem === null ? [] : [problem] };
}

/** Decodes a file chunk by chunk. Line ends become `\n`. */
export async function* decodeChunks(
  chunks: AsyncIterable<Buffer>,
  label: string,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder(label);
  let before = "";
  for await (const chunk of chunks) {
    const text = before + decoder.decode(chunk, { stream: true });
    // Its line feed may come with the next chunk.
    before = text.endsWith("\r") ? "\r" : "";
    yield dropControls(before === "" ? text : text.slice(0, -1));
  }
  yield dropControls(before + decoder.decode());
}

/**
 * Control characters mean nothing in text, and the HTML reader marks its headings with one. A form feed is kept: it ends a
 * page.
 */
export function dropControls(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t\f]/gu, "");
}

/**
 * The encoding of a text: by its byte order mark, by the places of its zero bytes, UTF-8 where it fits, what the file
 * declares, or a guess. Throws {@link DocumentUnreadable} for a file that is no text.
 */
export function detectEncoding(bytes: Buffer): Encoding {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return { label: "utf-16le", problem: null };
  if (first === 0xfe && second === 0xff) return { label: "utf-16be", problem: null };
  if (bytes.includes(0)) return { label: wideEncoding(bytes), problem: null };
  // A page in UTF-8 that declares another encoding was converted by a program that left the declaration.
  if (isUtf8(bytes)) return { label: "utf-8", problem: null };
  const declared = declaredEncoding(bytes);
  if (declared !== null) return { label: declared, problem: null };
  const broken = countBroken(bytes);
  if (broken !== null) {
    return {
      label: "utf-8",
      problem: describeBroken(broken),
    };
  }
  const label = guessEncoding(bytes);
  return { label, problem: `its text is not UTF-8 and was read as ${label}` };
}

/** The share of zero bytes from which on they are halves of Latin letters. */
const ZERO_SHARE = 0.2;
const SAMPLE_BYTES = 64 * 1024;

/** UTF-16 without a mark: nearly each Latin letter has a zero byte, always on the same side. */
function wideEncoding(bytes: Buffer): string {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  let even = 0;
  let odd = 0;
  for (let place = 0; place < sample.length; place += 2) {
    if (sample[place] === 0) even += 2 / sample.length;
    if (sample[place + 1] === 0) odd += 2 / sample.length;
  }
  const label = odd > even ? "utf-16le" : "utf-16be";
  const isWide = Math.max(odd, even) > ZERO_SHARE && Math.min(odd, even) < ZERO_SHARE / 10;
  if (!isWide || NOT_TEXT.test(new TextDecoder(label).decode(sample))) {
    throw new DocumentUnreadable("is a binary file");
  }
  return label;
}

/** Numbers that occur in binary data, and never in text. */
const NOT_TEXT = /[\0-\x08\x0e-\x1f\ufffd-\uffff]/;

/** Editors look for a declaration at the beginning; templates put long comments before it. */
const DECLARATION_BYTES = 16 * 1024;

/** `<meta charset=…>` of an HTML page, or `<?xml … encoding=…?>`; null for one that does not fit the bytes. */
function declaredEncoding(bytes: Buffer): string | null {
  const head = bytes.subarray(0, DECLARATION_BYTES).toString("latin1");
  const label =
    /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ??
    /^<\?xml[^>]+encoding\s*=\s*["']([\w-]+)/i.exec(head)?.[1];
  return label !== undefined && fits(label, bytes) ? label.toLowerCase() : null;
}

function fits(label: string, bytes: Buffer): boolean {
  try {
    new TextDecoder(label, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Stands for a character that cannot be decoded. */
export const REPLACEMENT = "\ufffd";

export function describeBroken(count: number): string {
  return `its text has ${count} damaged characters, left as ${REPLACEMENT}`;
}

/** How many characters of UTF-8 are damaged; null for text that is mostly not UTF-8. */
function countBroken(bytes: Buffer): number | null {
  const text = new TextDecoder().decode(bytes);
  const broken = text.match(/\ufffd/g)?.length ?? 0;
  const wide = text.match(/[^\0-\x7f\ufffd]/gu)?.length ?? 0;
  return broken * 4 <= wide ? broken : null;
}

/** Below, chardet names what only cannot be excluded. */
const MIN_CONFIDENCE = 25;

/** What most programs on Windows wrote in Western Europe and America. */
const USUAL = "windows-1252";

function guessEncoding(bytes: Buffer): string {
  const [best] = analyse(bytes.subarray(0, SAMPLE_BYTES));
  if (best === undefined || best.confidence < MIN_CONFIDENCE) return USUAL;
  const label = best.name.toLowerCase();
  return label !== "utf-8" && fits(label, bytes) ? new TextDecoder(label).encoding : USUAL;
}
