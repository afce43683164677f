import { isYear, splitIdentifier, splitWords } from "../../sources/text/words.ts";
import { type Evidence, readRow } from "./find-evidence.ts";
import type { OutputField } from "../../research/output-fields.ts";
import { readQuestion } from "./question.ts";
import { isAskedNumber } from "./expected-answer.ts";
import { mentions } from "./relevance.ts";
import { onlyValue, singleValue, type Span } from "./single-value.ts";
import { isFormatWord, isStopWord } from "../../sources/text/stop-words.ts";
import { findDates } from "../../sources/text/dates.ts";
import { findNumbers, findScale, findUnit, findWebAddresses } from "./values.ts";
import type { WeightedQuestion } from "./weigh-question.ts";

export type ExtractedValue = string | number | boolean;

/** One piece of evidence and the field that is to be filled from it. */
export interface FieldEvidence {
  evidence: Evidence;
  field: OutputField;
  question: WeightedQuestion;
  /**
   * Whether the evidence was found for a record of several fields, not for this one: then a sentence must mention the
   * field to fill it, and a whole sentence is no value.
   */
  isPartOfRecord: boolean;
}

/** The value the evidence states for the field, or null when it states none or more than one. Never a guess. */
export function extractValue(given: FieldEvidence): ExtractedValue | null {
  if (given.isPartOfRecord && !mentionsField(given)) return null;
  const { shape } = given.field;
  switch (shape.kind) {
    case "number":
    case "integer":
      return extractNumber(given, shape.kind === "integer", shape.options);
    case "boolean":
      return extractBoolean(given);
    case "string":
      return shape.options === null ? extractText(given) : extractOption(given, shape.options);
    case "array":
    case "object":
      return null;
  }
}

function mentionsField(given: FieldEvidence): boolean {
  const { field, evidence } = given;
  if (chooseCell(given) !== null || wantsYear(field)) return true;
  const { terms } = readQuestion({ asked: [], field: field.name, hints: [] });
  return terms.some((term) => mentions(`${evidence.sentence}\n${evidence.context}`, term));
}

/** The text to search for the value: the cell of a row that is named like the field, or the sentence. */
interface Place {
  text: string;
  /** Null for a sentence. */
  cellName: string | null;
}

/** Null for a row without a cell for the field: its other cells are about other things. */
function findPlace(given: FieldEvidence): Place | null {
  const { sentence } = given.evidence;
  const row = readRow(sentence);
  if (row === null) return { text: sentence, cellName: null };
  const cell = chooseCell(given);
  return cell === null ? null : { text: cell.value, cellName: cell.name };
}

/** The cell whose name has most words of the field's name and description; a year in the question may name it too. */
function chooseCell({ evidence, field, question }: FieldEvidence) {
  const row = readRow(evidence.sentence) ?? [];
  const nameKeys = new Set(splitWords(splitIdentifier(field.name)).map((word) => word.key));
  const descriptionKeys = new Set(
    splitWords(field.description)
      .filter((word) => !isStopWord(word.text) && !isFormatWord(word.text))
      .map((word) => word.key),
  );
  const rank = (cellName: string) => {
    const keys = new Set(splitWords(splitIdentifier(cellName)).map((word) => word.key));
    const count = (of: Iterable<string>) => [...of].filter((key) => keys.has(key)).length;
    return 2 * count(nameKeys) + count(descriptionKeys) + count(question.years);
  };
  const ranked = row
    .map((cell) => ({ ...cell, rank: rank(cell.name) }))
    .toSorted((a, b) => b.rank - a.rank);
  const [best, second] = ranked;
  return best !== undefined && best.rank > 0 && best.rank !== second?.rank ? best : null;
}

/** The only candidate of a cell, or the candidate of a sentence that belongs to the question. */
function pick<S extends Span>(
  candidates: readonly S[],
  identify: (span: S) => unknown,
  place: Place,
  { evidence, question }: FieldEvidence,
): S | null {
  return place.cellName === null
    ? singleValue(candidates, identify, evidence, question)
    : onlyValue(candidates, identify);
}

function extractNumber(
  given: FieldEvidence,
  isInteger: boolean,
  options: readonly number[] | null,
): number | null {
  const value = wantsYear(given.field) ? extractYear(given) : extractQuantity(given);
  if (value === null) return null;
  const number = Number(value);
  if (isInteger && !Number.isSafeInteger(number)) return null;
  return options === null || options.includes(number) ? number : null;
}

function extractQuantity(given: FieldEvidence): number | null {
  const { field, question, evidence } = given;
  const place = findPlace(given);
  if (place === null) return null;
  const isCell = place.cellName !== null;
  // Without the possessive: its `m` or `t` would be read as a unit.
  const wish = `${splitIdentifier(field.name)} ${field.description.replace(/['’]\p{L}+/gu, "")}`;
  const wantedUnit = findUnit(wish);
  const isShare = /\b(?:rate|share|growth|proportion|ratio)\b/i.test(wish);
  const hasUnit = (unit: string | null) => {
    const stated = unit ?? findUnit(place.cellName ?? "");
    if (wantedUnit === null) return stated !== "%" || isShare;
    return (stated ?? findUnit(evidence.context)) === wantedUnit;
  };
  const candidates = findNumbers(place.text).filter(
    (span) =>
      (!span.isYear || isCell) &&
      !isAskedNumber(question, String(span.value)) &&
      hasUnit(span.unit),
  );
  const span = pick(candidates, ({ value }) => value, place, given);
  if (span === null) return null;

  // A column such as `GDP (billion US$)`, or the heading of a table, carries the scale of its cells.
  const columnScale = isCell
    ? (findScale(place.cellName ?? "") ?? findScale(evidence.context))
    : null;
  const wantedScale = findScale(wish) ?? 1;
  const isInFull = span.isScaled || columnScale === null;
  const value = (isInFull ? span.value : span.value * columnScale) / wantedScale;
  // `3.05` for a field in trillions that nothing around it calls trillions: the scale is unknown.
  if (wantedScale > 1 && Math.abs(value) < 1e-3) return null;
  return Number(value.toPrecision(15));
}

function extractYear(given: FieldEvidence): string | null {
  const place = findPlace(given);
  if (place === null) return null;
  const { years } = given.question;
  const candidates = findYears(place.text).filter(
    ({ text }) => place.cellName !== null || !years.includes(text),
  );
  return pick(candidates, ({ text }) => text, place, given)?.text ?? null;
}

/** Years alone and years of dates. */
function findYears(text: string): Span[] {
  return splitWords(text)
    .filter((word) => isYear(word.key))
    .map((word) => ({ text: word.text, start: word.start, end: word.start + word.text.length }));
}

function extractBoolean(given: FieldEvidence): boolean | null {
  const place = findPlace(given);
  if (place === null || place.cellName === null) return null;
  if (/^(?:yes|true)$/i.test(place.text.trim())) return true;
  return /^(?:no|false)$/i.test(place.text.trim()) ? false : null;
}

function extractOption(given: FieldEvidence, options: readonly string[]): string | null {
  const text = findPlace(given)?.text ?? "";
  if (/\b(?:not|never|no|without)\b/i.test(text)) return null;
  const named = options.filter((option) => {
    const literal = option.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, "iu").test(text);
  });
  return named.length === 1 ? (named[0] ?? null) : null;
}

function extractText(given: FieldEvidence): string | null {
  const { field, evidence } = given;
  const wish = `${splitIdentifier(field.name)} ${field.description}`;
  if (/\b(?:url|website|web address|link|homepage)\b/i.test(wish)) {
    const addresses = findWebAddresses(evidence.sentence);
    return addresses.length === 1 ? (addresses[0] ?? null) : null;
  }
  if (/\b(?:date|day|when)\b|YYYY-MM-DD/i.test(wish)) return extractDate(given, wish);
  if (wantsYear(field)) return extractYear(given);
  const place = findPlace(given);
  if (place !== null && place.cellName !== null) return place.text;
  return given.isPartOfRecord ? null : evidence.sentence;
}

function extractDate(given: FieldEvidence, wish: string): string | null {
  const place = findPlace(given);
  if (place === null) return null;
  const date = pick(findDates(place.text), ({ iso }) => iso, place, given);
  if (date === null) return null;
  return /YYYY-MM-DD|\bISO\b/i.test(wish) ? date.iso : date.text;
}

/** The name decides: a description may mention a year for other reasons (`GDP in the given year`). */
function wantsYear(field: OutputField): boolean {
  return (
    /\byear\b/i.test(splitIdentifier(field.name)) || /^(?:the )?year\b/i.test(field.description)
  );
}
