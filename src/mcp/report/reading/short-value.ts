import { type JsonObject, isJsonObject } from "../../../task-api/task-spec.ts";
import { cleanText, cleanValue } from "../../../text/clean-text.ts";
import { pageText } from "./page-text.ts";

/** What a value needs at least to say anything. */
const LEAST = 12;

/**
 * A value that weighs at most about `budget` and is still one: of long texts the beginning, of lists and objects the first
 * members, and how many are left out. What is cut ends in `…`.
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

/** What earlier members do not use is left to those after them; members that get too little are left out. */
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
