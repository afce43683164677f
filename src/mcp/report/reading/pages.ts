import { InvalidArguments } from "../../arguments/argument-problems.ts";
import { type JsonObject, isJsonObject } from "../../../task-api/task-spec.ts";
import { cleanText, cleanValue } from "../../../text/clean-text.ts";
import type { Cut } from "../run-report.ts";
import { endWithin } from "../text.ts";

/** A slice of a longer text. Offsets count characters as JavaScript does (UTF-16 units). */
interface TextPage {
  text: string;
  offset: number;
  /** Where the next page starts; null when this page reaches the end. */
  nextOffset: number | null;
  totalChars: number;
}

/** A page ends at a line break when that costs at most this share of it: readers prefer whole lines. */
const LINE_BREAK_SHARE = 0.15;

/**
 * The slice of `text` that starts at `offset` and weighs at most `budget` (see {@link endWithin}). It has at least one
 * character, so that reading on makes progress.
 */
export function pageText(text: string, offset: number, budget: number): TextPage {
  const start = isInsidePair(text, offset) ? offset - 1 : Math.min(offset, text.length);
  let end = endWithin(text, start, budget);
  if (end < text.length) {
    const lineBreak = text.lastIndexOf("\n", end - 1) + 1;
    if (lineBreak > start && end - lineBreak < (end - start) * LINE_BREAK_SHARE) end = lineBreak;
  }
  return {
    text: text.slice(start, end),
    offset: start,
    nextOffset: end < text.length ? end : null,
    totalChars: text.length,
  };
}

function isInsidePair(text: string, offset: number): boolean {
  const before = text.charCodeAt(offset - 1);
  const at = text.charCodeAt(offset);
  return before >= 0xd800 && before <= 0xdbff && at >= 0xdc00 && at <= 0xdfff;
}

/**
 * Returns as many whole items as fit a page, and where the next page starts. The first item is always included, so that
 * every page makes progress; callers bound the size of each item. Throws `InvalidArguments`.
 */
export function pageItems<Item>(
  items: readonly Item[],
  offset: number,
  { budget, unit }: { budget: number; unit: Cut["unit"] },
): { items: Item[]; cut: Cut | undefined } {
  if (offset > 0 && offset >= items.length) {
    const fix = `there are ${items.length} ${unit}; write a smaller number`;
    throw new InvalidArguments([{ argument: "offset", fix }]);
  }
  let left = budget;
  const shown: Item[] = [];
  for (const item of items.slice(offset)) {
    left -= Buffer.byteLength(JSON.stringify(item, null, 2));
    if (left < 0 && shown.length > 0) break;
    shown.push(item);
  }
  const next = offset + shown.length;
  if (offset === 0 && next === items.length) return { items: shown, cut: undefined };
  return {
    items: shown,
    cut: {
      offset,
      ...(next === items.length ? {} : { next_offset: next }),
      total: items.length,
      unit,
    },
  };
}

/** The smallest budget at which part of a value is still useful. */
const LEAST = 12;

/**
 * Shortens a value to a weight of about `budget`: the beginning of long texts, the first members of lists and objects, and
 * how many are left out. Cut text ends in `…`.
 */
export function shortValue(value: unknown, budget: number): { value: unknown; isCut: boolean } {
  const clean = typeof value === "string" ? cleanText(value) : cleanValue(value);
  if (weightOf(clean) <= budget) return { value: clean, isCut: false };
  return { value: shorten(clean, budget), isCut: true };
}

function shorten(value: unknown, budget: number): unknown {
  if (weightOf(value) <= budget) return value;
  if (typeof value === "string") {
    return `${pageText(value, 0, Math.max(budget - 5, 1)).text}…`;
  }
  if (budget < LEAST) return "…";
  if (Array.isArray(value)) {
    const { shown, left } = shortenMembers(
      value.map((item: unknown) => ["", item]),
      budget,
    );
    const items = shown.map(([, item]) => item);
    return left === 0 ? items : [...items, `… ${left} more`];
  }
  if (!isJsonObject(value)) return value;
  return shortObject(value, budget);
}

function shortObject(value: JsonObject, budget: number): JsonObject {
  const { shown, left } = shortenMembers(Object.entries(value), budget);
  return Object.fromEntries(left === 0 ? shown : [...shown, ["…", `${left} more`]]);
}

/** Later members share what earlier ones did not use; members with too small a share are left out. */
function shortenMembers(
  members: readonly [name: string, value: unknown][],
  budget: number,
): { shown: [name: string, value: unknown][]; left: number } {
  let left = budget - 2;
  const shown: [string, unknown][] = [];
  for (const [index, [name, member]] of members.entries()) {
    const rest = members.length - index;
    const share = Math.max(Math.floor(left / rest), Math.min(left, 5 * LEAST)) - weightOf(name) - 2;
    if (share < LEAST && weightOf(member) > share) return { shown, left: rest };
    const short = shorten(member, share);
    left -= weightOf(name) + weightOf(short) + 2;
    shown.push([name, short]);
  }
  return { shown, left: 0 };
}

/** Bytes as JSON. */
export function weightOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}
