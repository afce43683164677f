import { createContext, Script } from "node:vm";
import { ExecutionFailed } from "../executor.ts";
import { errorMessage } from "../../../text/error-message.ts";

/** Whether a text matches a pattern of a script. */
export type InputPattern = (text: string) => boolean;

/**
 * A pattern may backtrack almost without end, and inputs come from outside. A pattern that does not backtrack needs far
 * less, also on a busy machine; the other runs of the process can wait this long.
 */
const MATCH_TIMEOUT_MS = 1_000;

/** Flags that decide what matches. `g` and `y` would make an answer depend on the one before. */
const FLAGS = /^[imsu]*$/;

/** The problem of a pattern, and what to write instead; null for a valid one. */
export function checkInputPattern(pattern: string): string | null {
  const parts = splitPattern(pattern);
  if (parts === null) return null;
  if (!FLAGS.test(parts.flags)) {
    return `a text between slashes is a regular expression, and its flags are of i, m, s and u, not "${parts.flags}"; to look for the text itself, write its slashes as \\/ in /…/`;
  }
  try {
    readRegExp(parts);
    return null;
  } catch (error) {
    return `write a JavaScript regular expression: ${errorMessage(error)}`;
  }
}

/** Reads a good pattern. The returned one throws {@link ExecutionFailed} when it takes too long on a text. */
export function readInputPattern(pattern: string): InputPattern {
  const parts = splitPattern(pattern);
  if (parts === null) return (text) => text.includes(pattern);
  const regExp = readRegExp(parts);
  let text = "";
  // Only code in its own context can be stopped by a timeout.
  const context = createContext({ test: () => regExp.test(text) });
  const call = new Script("test()");
  return (input) => {
    text = input;
    try {
      return call.runInContext(context, { timeout: MATCH_TIMEOUT_MS }) === true;
    } catch (error) {
      throw new ExecutionFailed(
        `The script's pattern ${pattern} needs more than ${MATCH_TIMEOUT_MS} ms on this input. Write one that backtracks less.`,
        { cause: error },
      );
    }
  };
}

function splitPattern(pattern: string): { source: string; flags: string } | null {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(pattern) ?? [];
  return source === undefined || flags === undefined ? null : { source, flags };
}

function readRegExp({ source, flags }: { source: string; flags: string }): RegExp {
  return new RegExp(source, flags);
}
