import { UNKNOWN } from "../../ledger/ledger.ts";
import { DAY_MS, startOfUtcDay } from "../../ledger/spending.ts";
import { RunStatus, isActiveStatus } from "../../task-api/run.ts";

/** The status words that a list accepts; `active` means every active status. */
const KNOWN: readonly string[] = ["active", ...RunStatus.options, UNKNOWN];

/** Other words that people and models use for statuses. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  done: ["completed"],
  complete: ["completed"],
  finished: ["completed"],
  success: ["completed"],
  successful: ["completed"],
  succeeded: ["completed"],
  ok: ["completed"],
  error: ["failed"],
  errored: ["failed"],
  fail: ["failed"],
  failure: ["failed"],
  pending: ["queued"],
  waiting: ["queued"],
  in_progress: ["running"],
  processing: ["running"],
  started: ["running"],
  working: ["running"],
  canceled: ["cancelled"],
  aborted: ["cancelled"],
  stopped: ["cancelled"],
  canceling: ["cancelling"],
  input_required: ["action_required"],
  needs_action: ["action_required"],
  open: ["active"],
  ongoing: ["active"],
  unfinished: ["active"],
  lost: [UNKNOWN],
  ended: ["completed", "failed", "cancelled"],
  terminal: ["completed", "failed", "cancelled"],
  all: [],
  any: [],
};

/** The fix for a status that is none of the words. */
export const STATUS_RULE = `write one of ${KNOWN.join(", ")}`;

/** Reads one status word, or several separated by commas. Empty means all statuses; null means a word is unknown. */
export function readStatuses(text: string): string[] | null {
  const statuses = new Set<string>();
  for (const part of text.split(/[,|]/)) {
    const word = part
      .trim()
      .toLowerCase()
      .replaceAll(/[\s-]+/g, "_");
    if (word === "") continue;
    const meant = KNOWN.includes(word) ? [word] : SYNONYMS[word];
    if (meant === undefined) return null;
    for (const status of meant) statuses.add(status);
  }
  return [...statuses];
}

/** Run statuses for these words: `active` expands to several, an empty list to all. */
export function runStatuses(statuses: readonly string[]): readonly string[] {
  if (statuses.length === 0) return RunStatus.options;
  return statuses.flatMap((one) =>
    one === "active" ? RunStatus.options.filter(isActiveStatus) : [one],
  );
}

const HOUR_MS = 60 * 60 * 1_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};
/** Days named relative to today. */
const DAY_WORDS: Readonly<Record<string, number>> = { today: 0, yesterday: -1 };

const AGO =
  /^(?:last |past )?(\d{1,6}|an?) ?(s|m|h|d|w|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)(?: ago)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Seconds and offset are optional; without an offset the time is UTC. */
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(z|utc|[+-]\d{2}:?\d{2})?$/;

/** The fix for a time in none of the accepted forms. */
export const TIME_RULE =
  'write today, yesterday, a time ago such as "2h" or "3 days ago", a date such as 2026-11-24 (UTC; since: its start, until: its end), or a time such as 2026-11-24T09:00:00Z';

/**
 * A time as people write it, in epoch milliseconds; null when it is none. A whole day means its start as `since` and its
 * end as `until`. Days are UTC days.
 */
export function readTime(text: string, nowMs: number, edge: "since" | "until"): number | null {
  const word = text.trim().toLowerCase();
  if (word === "now") return nowMs;
  const day = DAY_WORDS[word];
  if (day !== undefined) return edgeOf(startOfUtcDay(nowMs) + day * DAY_MS, edge);
  const [, count, unit = ""] = AGO.exec(word) ?? [];
  if (count !== undefined) {
    const number = count.startsWith("a") ? 1 : Number(count);
    return nowMs - number * (UNIT_MS[unit.charAt(0)] ?? 0);
  }
  if (DATE.test(word)) return edgeOf(parse(word), edge);
  const [, date, time, offset = "z"] = DATE_TIME.exec(word) ?? [];
  if (date === undefined) return null;
  return parse(`${date}T${time}${offset === "utc" ? "z" : offset}`.toUpperCase());
}

function edgeOf(startMs: number | null, edge: "since" | "until"): number | null {
  return startMs === null || edge === "since" ? startMs : startMs + DAY_MS;
}

function parse(time: string): number | null {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return null;
  // `Date.parse` reads 2026-02-30 as a day of March.
  const day = Number(time.slice(8, 10));
  return new Date(`${time.slice(0, 10)}T00:00:00Z`).getUTCDate() === day ? ms : null;
}
