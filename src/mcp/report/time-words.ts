import { DAY_MS, startOfUtcDay } from "../../ledger/utc-day.ts";

const HOUR_MS = 60 * 60 * 1_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};
/** Days that are named from today. */
const DAY_WORDS: Readonly<Record<string, number>> = { today: 0, yesterday: -1 };

const AGO =
  /^(?:last |past )?(\d{1,6}|an?) ?(s|m|h|d|w|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)(?: ago)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** With or without seconds and offset; without an offset it is UTC. */
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(z|utc|[+-]\d{2}:?\d{2})?$/;

/** What a time must be, for which none of the forms fits. */
export const TIME_RULE =
  'write today, yesterday, a time ago such as "2h" or "3 days ago", a date such as 2026-11-24 (UTC; since: its start, until: its end), or a time such as 2026-11-24T09:00:00Z';

/**
 * A time as people write it, in epoch milliseconds; null for what is none. A whole day counts from its start as `since`,
 * and to its end as `until`. Days are those of UTC.
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
  // 2026-02-30 would be read as a day of March.
  const day = Number(time.slice(8, 10));
  return new Date(`${time.slice(0, 10)}T00:00:00Z`).getUTCDate() === day ? ms : null;
}
