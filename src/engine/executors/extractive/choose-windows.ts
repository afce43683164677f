import type { ReadingBudget } from "../../research/budgets.ts";
import { splitWords } from "../../sources/text/words.ts";
import { isStopWord } from "../../sources/text/stop-words.ts";
import type { Attempt, ConversationTurn } from "../executor.ts";
import type { PassageWindow } from "./cut-windows.ts";
import { type FoundWindows, lettersOf } from "./find-windows.ts";

export interface ChosenWindows {
  quoted: PassageWindow[];
  close: PassageWindow[];
  /** Whether an earlier answer of the conversation shows all that was found. */
  isExhausted: boolean;
}

/**
 * The windows that an answer shows, in order, as many as the processor has room for: a higher one shows the same and
 * more. What an earlier answer of the conversation shows is left out, unless it clearly answers a new question.
 */
export function chooseWindows(
  { quoted, close }: FoundWindows,
  { chars }: ReadingBudget,
  { input, previous }: Pick<Attempt, "input" | "previous">,
): ChosenWindows {
  const earlier = previous.flatMap(excerptsOf).map(lettersOf);
  const isNew = ({ text }: PassageWindow) =>
    !earlier.some((excerpt) => excerpt.includes(lettersOf(text)));
  const asksAnew = hasOwnWords(input.input);
  const candidates = {
    quoted: quoted.filter((window) => asksAnew || isNew(window)),
    close: close.filter(isNew),
  };
  let left = chars;
  const shown = [...candidates.quoted, ...candidates.close];
  const fitting = new Set<PassageWindow>();
  for (const window of shown) {
    left -= window.text.length;
    if (left < 0 && fitting.size > 0) break;
    fitting.add(window);
  }
  return {
    quoted: candidates.quoted.filter((window) => fitting.has(window)),
    close: candidates.close.filter((window) => fitting.has(window)),
    isExhausted: earlier.length > 0 && ![...candidates.quoted, ...candidates.close].some(isNew),
  };
}

function excerptsOf({ output }: ConversationTurn): string[] {
  return output.basis.flatMap(({ citations }) =>
    (citations ?? []).flatMap(({ excerpts }) => excerpts ?? []),
  );
}

/** `Tell me more.` asks nothing of its own. */
function hasOwnWords(input: Attempt["input"]["input"]): boolean {
  return typeof input !== "string" || splitWords(input).some(({ text }) => !isStopWord(text));
}
