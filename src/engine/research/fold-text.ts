/** A text in the one form in which quotes are compared, and where each of its characters stands in the original. */
export interface FoldedText {
  original: string;
  /** Lower case, one space between words, one form of quotes and dashes, without markup. */
  folded: string;
  /** The offset in the original of the character that made this one. */
  starts: Uint32Array;
}

const SPACE = 0x20;
const HYPHEN = 0x2d;
const APOSTROPHE = 0x27;

/** Soft hyphens, zero-width and bidi marks, variation selectors, and tag characters, with which text is hidden. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;
const QUOTES = /["'`´‘’‚‛“”„‟«»‹›′″「」『』]/u;
const DASHES = /[-‐‑‒–—―−﹘﹣－]/u;
const BLANK = /[\s\p{Z}\p{Cc}]/u;
const WORD = /[\p{L}\p{N}\p{M}\p{Cs}]/u;
const LETTER = /[\p{L}\p{M}]/u;

/** The target of a Markdown link, with one level of brackets inside; no real one is longer. */
const LINK_TARGET = /\]\((?:[^()\n]|\([^()\n]*\)){0,2000}\)/y;
/** A line break inside a word: a word is written in one piece or with its hyphen, and both are the same word. */
const AFTER_HYPHEN = /[ \t]*\r?\n?[ \t]*(?=\p{L})/uy;

/** Whether the character is part of a word or number. `undefined` (the edge of a text) is not. */
export function isWordChar(char: string | undefined): boolean {
  if (char === undefined) return false;
  const code = char.charCodeAt(0);
  if (code < 128) return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122);
  return WORD.test(char);
}

/** What stands for an ASCII character wherever it is; 0 where that depends on its neighbours. */
const PLAIN_ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  const depends = BLANK.test(char) || "-\"'`[]\\*_~".includes(char);
  return depends ? 0 : char.toLowerCase().charCodeAt(0);
});

/** Folds a text in one pass, in time that grows with its length. */
export function foldPage(original: string): FoldedText {
  const out = createOutput(original.length);
  let index = 0;
  while (index < original.length) {
    const code = original.charCodeAt(index);
    // Most characters of most texts: the rest costs too much for each of them.
    if (code < 128 && PLAIN_ASCII[code] !== 0) {
      out.append(PLAIN_ASCII[code] ?? code, index);
      index += 1;
    } else {
      const char = String.fromCodePoint(original.codePointAt(index) ?? SPACE);
      index = foldChar(char, index, index + char.length);
    }
  }
  return { original, ...out.close() };

  /** Appends what stands for one character; returns where the next one begins. */
  function foldChar(char: string, at: number, next: number): number {
    if (BLANK.test(char)) {
      out.space(at);
    } else if (INVISIBLE.test(char)) {
      return next;
    } else if (DASHES.test(char)) {
      return foldDash(at, next);
    } else if (QUOTES.test(char)) {
      if (char !== "`" || isInWord(at, next)) out.append(APOSTROPHE, at);
    } else if (char === "[" || char === "]") {
      return foldBracket(char, at, next);
    } else if (char === "\\") {
      if (isWordChar(original[next]) || original[next] === undefined) out.append(0x5c, at);
    } else if (char === "*" || char === "_") {
      if (isInWord(at, next)) out.append(char.charCodeAt(0), at);
    } else if (char === "~" && (original[next] === "~" || original[at - 1] === "~")) {
      return next;
    } else {
      appendPlain(char, at);
    }
    return next;
  }

  /** Compatibility forms are taken apart, so that a letter and its mark are equal in one piece and in two. */
  function appendPlain(char: string, at: number): void {
    const plain = char.normalize("NFKD").toLowerCase();
    for (let unit = 0; unit < plain.length; unit += 1) {
      if (BLANK.test(plain.charAt(unit))) out.space(at);
      else out.append(plain.charCodeAt(unit), at);
    }
  }

  function foldDash(at: number, next: number): number {
    if (LETTER.test(original.charAt(at - 1))) {
      AFTER_HYPHEN.lastIndex = next;
      if (AFTER_HYPHEN.test(original)) return AFTER_HYPHEN.lastIndex;
    }
    if (out.last() !== HYPHEN) out.append(HYPHEN, at);
    return next;
  }

  function foldBracket(char: string, at: number, next: number): number {
    // `100[2]` is not 1002.
    if (isInWord(at, next)) out.space(at);
    if (char === "[") return next;
    LINK_TARGET.lastIndex = at;
    return LINK_TARGET.test(original) ? LINK_TARGET.lastIndex : next;
  }

  function isInWord(at: number, next: number): boolean {
    return isWordChar(original[at - 1]) && isWordChar(original[next]);
  }
}

function createOutput(capacity: number) {
  let units = new Uint16Array(capacity + 16);
  let starts = new Uint32Array(capacity + 16);
  let length = 0;

  function append(unit: number, start: number): void {
    if (length === units.length) {
      const [shortUnits, shortStarts] = [units, starts];
      units = new Uint16Array(length * 2);
      units.set(shortUnits);
      starts = new Uint32Array(length * 2);
      starts.set(shortStarts);
    }
    units[length] = unit;
    starts[length] = start;
    length += 1;
  }

  const last = () => units[length - 1];
  return {
    append,
    last: () => (length === 0 ? undefined : last()),
    space(start: number): void {
      if (length > 0 && last() !== SPACE) append(SPACE, start);
    },
    close: () => ({
      folded: new TextDecoder("utf-16le").decode(units.subarray(0, length)),
      starts: starts.subarray(0, length),
    }),
  };
}

/** The original's own text of the folded characters from `start` to `end`, which is not included. */
export function originalSpan(
  { original, starts }: FoldedText,
  start: number,
  end: number,
): { start: number; end: number; text: string } {
  const from = starts[start] ?? original.length;
  const last = starts[end - 1] ?? original.length;
  const to = Math.min(original.length, last + charLength(original, last));
  return { start: from, end: to, text: original.slice(from, to) };
}

function charLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
