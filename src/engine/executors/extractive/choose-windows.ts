import { type ReadingBudget, SHORT_CHARS } from "../../research/budgets.ts";
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
 * then more. What an earlier answer of the conversation shows is left out, unless it clearly answers a new question.
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
  const fitting = new Set<PassageWindow>();
  let left = 0;
  for (let room = SHORT_CHARS; room <= chars; room += SHORT_CHARS) {
    left += SHORT_CHARS;
    for (const window of [...candidates.quoted, ...candidates.close]) {
      // A window that is too long for the room that is left leaves it to shorter ones.
      const isTooLong = window.text.length > left && fitting.size > 0;
      if (isTooLong || fitting.has(window)) continue;
      left -= window.text.length;
      fitting.add(window);
    }
  }
  const shown = [...fitting];
  return {
    quoted: shown.filter((window) => candidates.quoted.includes(window)),
    close: shown.filter((window) => candidates.close.includes(window)),
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
