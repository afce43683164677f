import type { Ranking } from "../../sources/source.ts";
import { isRelated, readStatements, type Statement } from "./statements.ts";
import { readWords } from "../../sources/text/words.ts";

/** The best passages are enough: a window of another would be further from the question. */
const PASSAGES = 5;
const MAX_CHARS = 400;

/**
 * The sentences or rows, whole and in a row, that have most of the question and of the field; null when none has a
 * word of the question. Sources of few characters may be shorter than a window.
 */
export function closestWindow(
  { terms, passages }: Ranking,
  fieldKeys: readonly string[],
): Statement | null {
  const usual = terms.reduce((sum, { weight }) => sum + weight, 0) / Math.max(terms.length, 1);
  let best: { statement: Statement; weight: number } | null = null;
  for (const passage of passages.slice(0, PASSAGES)) {
    const statements = readStatements(passage);
    for (const [start, first] of statements.entries()) {
      let text = first.text;
      for (const { text: next } of statements.slice(start + 1)) {
        if (text.length + 1 + next.length > MAX_CHARS) break;
        text += `\n${next}`;
      }
      const whole = `${first.context}\n${text}`;
      const asked = terms
        .filter((term) => term.isIn(whole))
        .reduce((sum, { weight }) => sum + weight, 0);
      const { keys } = readWords(text);
      const weight = asked + usual * fieldKeys.filter((key) => isRelated(key, keys)).length;
      if (asked > 0 && weight > (best?.weight ?? 0))
        best = { statement: { ...first, text }, weight };
    }
  }
  return best?.statement ?? null;
}
