import type { Citation, FieldBasis } from "../../task-api/output.ts";
import { citeSources } from "./citations.ts";
import { findDates } from "../sources/text/dates.ts";
import { isStopWord } from "../sources/text/stop-words.ts";
import { readWords } from "../sources/text/words.ts";
import { findNumbers } from "../sources/text/numbers.ts";

/** A text of a page that has been verified to be there. */
export interface VerifiedExcerpt {
  excerpt: string;
  document: { url: string; title: string };
}

/** The evidence of one output field. */
export interface CitedField {
  /** As the basis names it: `founder.name`, `cities.0`, or `output` for a text. */
  field: string;
  value: unknown;
  excerpts: readonly VerifiedExcerpt[];
}

/**
 * The basis of a field by rule: `high` when excerpts of two independent sources state the value, `medium` when those of
 * one do, else `low`. It says nothing about whether the sources are right.
 */
export function basisByRule({ field, value, excerpts }: CitedField): FieldBasis {
  const stating = excerpts.filter(({ excerpt }) => statesValue(excerpt, value));
  const sources = countSources(stating);
  return {
    field,
    reasoning: explain(value, { cited: excerpts.length, stating: stating.length, sources }),
    citations: cite(excerpts),
    confidence: sources >= 2 ? "high" : sources === 1 ? "medium" : "low",
  };
}

function cite(excerpts: readonly VerifiedExcerpt[]): Citation[] {
  return citeSources(excerpts.map(({ excerpt, document }) => ({ sentence: excerpt, document })));
}

function explain(
  value: unknown,
  { cited, stating, sources }: { cited: number; stating: number; sources: number },
): string {
  if (isEmpty(value)) return "No value was found in the evidence.";
  if (cited === 0) return "The agent cited no evidence for this value.";
  if (stating === 0) return "The value was inferred: no cited excerpt states it in these words.";
  return `${count(stating, "verified excerpt")} of ${count(sources, "independent source")} ${stating === 1 ? "states" : "state"} the value.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** Pages of one site are one source, and so are equal texts: they are copies. A document without a site is its own. */
function countSources(excerpts: readonly VerifiedExcerpt[]): number {
  const bySite = new Map<string, string>();
  for (const { excerpt, document } of excerpts) bySite.set(siteOf(document.url), excerpt.trim());
  return new Set(bySite.values()).size;
}

/** The last two labels of the host: sites that share them may be independent, but are taken for one. */
function siteOf(url: string): string {
  const isWeb = /^https?:/i.test(url) && URL.canParse(url);
  return isWeb ? new URL(url).hostname.split(".").slice(-2).join(".") : url.replace(/#.*$/, "");
}

/** A longer text is prose, which restates what the sources say in other words. */
const MAX_NAME_WORDS = 8;
/** The share of its words that the excerpt of a prose value has. */
const MIN_SHARED_WORDS = 0.5;

/**
 * Whether the excerpt states the value: the same number or date in any spelling, every word of a name, half of the words
 * and every number of a sentence, and all parts of a list or object. No excerpt states `true`: it is always inferred.
 */
export function statesValue(excerpt: string, value: unknown): boolean {
  if (isEmpty(value) || typeof value === "boolean") return false;
  if (typeof value === "number") return statesNumber(excerpt, value);
  if (typeof value === "string") return statesText(excerpt, value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value)
    .filter((part) => !isEmpty(part))
    .every((part) => statesValue(excerpt, part));
}

function statesNumber(excerpt: string, value: number): boolean {
  if (findNumbers(excerpt).some((found) => found.value === value)) return true;
  const digits = String(value).replaceAll(".", "\\.");
  return new RegExp(`(?<![\\p{N}.,])${digits}(?![\\p{N}]|[.,]\\p{N})`, "u").test(excerpt);
}

function statesText(excerpt: string, value: string): boolean {
  const dates = findDates(value);
  const own = new Set(findDates(excerpt).map(({ iso }) => iso));
  if (!dates.every(({ iso }) => own.has(iso))) return false;
  const rest = dates.reduce((text, date) => text.replace(date.text, " "), value);
  const { keys } = readWords(excerpt);
  const words = readWords(rest).words.filter(({ text }) => !isStopWord(text));
  if (words.length === 0) return dates.length > 0 || excerpt.includes(value);
  const shared = words.filter(({ key }) => keys.has(key));
  if (words.length <= MAX_NAME_WORDS) return shared.length === words.length;
  const numbers = findNumbers(rest);
  return (
    shared.length >= words.length * MIN_SHARED_WORDS &&
    numbers.every((number) => statesNumber(excerpt, number.value))
  );
}
