/** Whether an unknown name probably means a known one: a typo, a part of it, or it with more words. */
export function looksLike(name: string, known: string): boolean {
  if (isTypoOf(name, known)) return true;
  const [some, all] = [wordsOf(name), wordsOf(known)];
  if (some.length === 0) return false;
  return some.every((word) => all.includes(word)) || all.every((word) => some.includes(word));
}

/** Whether a name is a misspelt known one: `dryRun`, `proccessor`. Names with a leading `_` belong to the host. */
export function isTypoOf(name: string, known: string): boolean {
  const [some, all] = [wordsOf(name).join(""), wordsOf(known).join("")];
  if (some === all) return true;
  const slips = Math.min(some.length, all.length) < 5 ? 1 : 2;
  return Math.abs(some.length - all.length) <= slips && distance(some, all) <= slips;
}

/** `outputSchema`, `output-schema` and `output_schema` are the same words; `_meta` has none. */
function wordsOf(name: string): string[] {
  // Known names are short, and the comparison costs the product of both lengths.
  if (name.startsWith("_") || name.length > 64) return [];
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** Edit distance with swaps of neighbours (optimal string alignment). */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = next;
  }
  return last[to.length] ?? 0;
}
