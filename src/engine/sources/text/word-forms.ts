import { findDates } from "./dates.ts";
import { foldText, isSpaceless, toIndexedText, wordKey } from "./words.ts";

/** What a search takes for a word of a question. */
export interface WordForm {
  /** FTS5 expression that finds it in the index. */
  match: string;
  /** Keys of words, of which any counts; see {@link wordKey}. */
  keys?: readonly string[];
  /** What the key of a word begins with. */
  prefix?: string;
  /** `YYYY-MM-DD` */
  date?: string;
  /** Finds it in a folded text. */
  pattern?: RegExp;
}

/** The word in all its English forms. Other words may be searched for beside it. */
export function stemForm(...words: readonly string[]): WordForm {
  return { keys: words.map(wordKey), match: words.map(quote).join(" OR ") };
}

/** Every word that begins so. */
export function prefixForm(start: string): WordForm {
  return { prefix: wordKey(start), match: `${quote(start)}*` };
}

/** Words, or signs of a script without spaces, next to each other. `C++` and `--no-ff` count only with their signs. */
export function phraseForm(text: string): WordForm {
  const words = foldText(text).match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  const [before = ""] = /^-*/.exec(text) ?? [];
  const [after = ""] = /[+#]*$/.exec(text) ?? [];
  const pattern = `${before}${words.join("[^\\p{L}\\p{N}]{1,3}")}${after.replaceAll("+", "\\+")}`;
  const bounded = `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`;
  return { match: quote(text), pattern: new RegExp(isSpaceless(text) ? pattern : bounded, "gu") };
}

export function dateForm(iso: string): WordForm {
  return { date: iso, match: quote(iso.replaceAll("-", "")) };
}

/** Quoted, so that nothing a user types is syntax. */
function quote(text: string): string {
  return `"${toIndexedText(text).replaceAll('"', '""').replaceAll("\0", "")}"`;
}

/** Prepares counting how often a text has each of the forms. All words are found in one pass. */
export function createCounter(forms: readonly WordForm[]): (text: string) => number[] {
  const starts = forms.flatMap(({ keys = [], prefix }) => [
    ...keys.map(commonStart),
    ...(prefix === undefined ? [] : [commonStart(prefix)]),
  ]);
  const words =
    starts.length === 0
      ? null
      : new RegExp(`(?:${[...new Set(starts)].join("|")})[\\p{L}\\p{N}\\p{M}]*`, "gu");
  return (text) => {
    const folded = foldText(text);
    const counts = forms.map(({ pattern, date }) => {
      if (date !== undefined) return findDates(text).filter(({ iso }) => iso === date).length;
      return pattern === undefined ? 0 : (folded.match(pattern)?.length ?? 0);
    });
    for (const { 0: word, index: start } of words === null ? [] : folded.matchAll(words)) {
      // Checked here, because an expression that begins with it takes several times as long.
      if (/[\p{L}\p{N}]$/u.test(folded.slice(Math.max(0, start - 2), start))) continue;
      const key = wordKey(word);
      for (const [index, { keys, prefix }] of forms.entries()) {
        if (keys?.includes(key) === true || (prefix !== undefined && key.startsWith(prefix))) {
          counts[index] = (counts[index] ?? 0) + 1;
        }
      }
    }
    return counts;
  };
}

/** What all words of a stem begin with: the stemmer changes at most the last letter that it keeps (`day`, `dai`). */
function commonStart(key: string): string {
  return key.length > 2 ? key.slice(0, -1) : key;
}
