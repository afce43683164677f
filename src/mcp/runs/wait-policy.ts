import type { Wait } from "../report/run-sentences.ts";

/** How long the calls of one client may wait. */
export interface WaitLimits {
  /** The wait of a call that waits by default. */
  defaultSeconds: number;
  maxSeconds: number;
}

/** The limits of a client that is not named, and of those that are. */
export interface WaitPolicy extends WaitLimits {
  /** The longest wait for clients whose name (in `clientInfo`, lower case) contains the key; the longest key wins. */
  byClient: Readonly<Record<string, number>>;
}

/**
 * One call of most clients may take 60 s; 50 s leave room for slow starts and answers. The named ones wait
 * longer, or less: Claude Code moves a call of more than 2 minutes to the background, Codex gives up after 5 minutes,
 * Cursor and VS Code held calls of 15 minutes and more, the gateway of claude.ai and Claude Desktop cut at about 60 s.
 */
export const defaultWaitPolicy: WaitPolicy = {
  defaultSeconds: 45,
  maxSeconds: 50,
  byClient: {
    "claude-ai": 45,
    "claude-code": 110,
    codex: 240,
    cursor: 240,
    "visual studio code": 240,
    opencode: 50,
  },
};

/** A client that can wait longer than others does so by default: every call saved is a turn of the model saved. */
export function waitLimitsOf(policy: WaitPolicy, clientName: string | undefined): WaitLimits {
  const name = clientName?.toLowerCase() ?? "";
  const [known] = Object.keys(policy.byClient)
    .filter((part) => name.includes(part))
    .toSorted((a, b) => b.length - a.length);
  const cap = known === undefined ? undefined : policy.byClient[known];
  if (cap === undefined) {
    const { defaultSeconds, maxSeconds } = policy;
    return { defaultSeconds: Math.min(defaultSeconds, maxSeconds), maxSeconds };
  }
  return { defaultSeconds: cap, maxSeconds: cap };
}

/** `unasked`: how long a call without `wait_seconds` waits; by default the client's default. */
export function clampWait(
  askedSeconds: number | undefined,
  limits: WaitLimits,
  unasked: number = limits.defaultSeconds,
): Wait {
  const seconds = Math.min(askedSeconds ?? unasked, limits.maxSeconds);
  return { seconds, isCapped: askedSeconds !== undefined && seconds < askedSeconds };
}
