import type { OutputField } from "../../research/output-fields.ts";
import { findDates } from "../../sources/text/dates.ts";
import { isStopWord } from "../../sources/text/stop-words.ts";
import { splitIdentifier, splitWords } from "../../sources/text/words.ts";
import {
  type Cell,
  haveAll,
  isAbout,
  keysOf,
  splitClauses,
  type Statement,
  type AskedSubject,
  yearsIn,
} from "./statements.ts";
import {
  findNumbers,
  findScale,
  findUnit,
  findWantedUnit,
  type NumberSpan,
} from "../../sources/text/numbers.ts";

/** A field, and what a statement must say beside its value. */
export interface Wanted {
  field: OutputField;
  /** The words of the field's name; where it has none, of its description. */
  own: readonly string[];
  /** The words of the question and of the description, which tell which of several values is meant. */
  others: readonly string[];
  /** The words of the objects around the field. */
  parents: readonly string[];
  subject: AskedSubject;
}

export function wantField(
  field: OutputField,
  parents: readonly string[],
  subject: AskedSubject,
  asked: readonly string[],
): Wanted {
  const { name, description } = field;
  const own = keysOf(keysOf(name).length > 0 ? name : description);
  const years = yearsIn(wishOf(field));
  const others = [...asked, description].flatMap(keysOf);
  return {
    field,
    own,
    others,
    parents,
    subject: years.length > 0 ? { ...subject, years } : subject,
  };
}

/** A value that a statement gives a field. */
export interface Candidate {
  value: unknown;
  statement: Statement;
  /** 3: a cell has the name of the field; 2 and 1: nearly; 0: a clause has its words. */
  strength: number;
}

/** The one value that the statement gives the field: in a cell that the field names, or in a clause with its words. */
export function readCandidate(statement: Statement, wanted: Wanted): Candidate | null {
  const { text, context, cells } = statement;
  const { own, parents, subject } = wanted;
  if (!haveAll(parents, text, context) || !isAbout(subject, text, context)) return null;
  /** The years that the nearest place names. */
  const statedAt = (...places: string[]) =>
    places.map(yearsIn).find((years) => years.length > 0) ?? [];
  const isAsked = (year: string) => subject.years.includes(year);
  const isOpen = subject.years.length === 0;
  const chosen = chooseCell(statement, wanted);
  if (chosen !== null) {
    const { cell, strength } = chosen;
    if (!isOpen && !statedAt(cell.name, text, context).some(isAsked)) return null;
    const values = readValues(cell.value, wanted, { name: cell.name, context });
    return values.length === 1 ? { value: values[0], statement, strength } : null;
  }
  if (cells.length > 1 || /\b(?:or|respectively)\b/i.test(text)) return null;
  const values = splitClauses(text).flatMap((clause) => {
    const stated = statedAt(clause, text, context);
    const isOfYear = isOpen || (stated.length > 0 && stated.every(isAsked));
    const isFitting = haveAll(own, clause) && haveAll(parents, clause, context) && isOfYear;
    const isOfSubject = isAbout({ ...subject, dates: [] }, clause, context);
    return isFitting && isOfSubject ? readValues(clause, wanted, null) : [];
  });
  return values.length === 1 ? { value: values[0], statement, strength: 0 } : null;
}

/** The cell that the field names best; in a row whose first cell is the field, the one that the question names. */
function chooseCell({ cells, context }: Statement, { own, others, subject: { years } }: Wanted) {
  const rate = (name: string) => {
    const keys = keysOf(name.replaceAll(/\(.*?\)/g, ""));
    const isOfOtherYear = years.length > 0 && yearsIn(name).some((year) => !years.includes(year));
    if (isOfOtherYear) return 0;
    if (keys.length === 0) return yearsIn(name).length > 0 && haveAll(own, context) ? 1 : 0;
    const isWhole = own.every((key) => keys.includes(key));
    const isPure = keys.every((key) => own.includes(key));
    return (isWhole ? 2 : 0) + (isPure ? 1 : 0);
  };
  const rated = cells.map((cell) => ({ cell, strength: rate(cell.name) }));
  const [best, second] = rated.toSorted((a, b) => b.strength - a.strength);
  if (best !== undefined && best.strength > 0)
    return best.strength === second?.strength ? null : best;
  const [label, ...values] = cells;
  if (label === undefined || rate(label.value) < 3) return null;
  const named = values.filter(({ name }) => keysOf(name).some((key) => others.includes(key)));
  const [cell, another] = values.length === 1 ? values : named;
  return cell === undefined || another !== undefined ? null : { cell, strength: 2 };
}

/** A longer cell is prose, not a value. */
const MAX_TEXT = 120;

/** The values of the field's type in a cell, or in a clause (without a column). */
function readValues(text: string, wanted: Wanted, column: Column | null): unknown[] {
  const { field, subject } = wanted;
  const { shape } = field;
  const wish = wishOf(field);
  const isNew = (year: string) => column !== null || !subject.years.includes(year);
  const years = YEAR.test(wish) ? yearsIn(text).filter(isNew) : null;
  if (shape.kind === "number" || shape.kind === "integer") {
    const values =
      years?.map(Number) ??
      findNumbers(text).flatMap((span) => readNumber(span, text, wanted, column));
    const isInteger = (value: number) => shape.kind === "number" || Number.isSafeInteger(value);
    return values.filter((value) => isInteger(value) && (shape.options?.includes(value) ?? true));
  }
  if (shape.kind === "string" && shape.options === null) {
    if (URL.test(wish)) return text.match(/https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/g) ?? [];
    if (DATE.test(wish))
      return findDates(text).map((date) => (/YYYY/.test(wish) ? date.iso : date.text));
    if (years !== null) return years;
  }
  if (column === null) return [];
  switch (shape.kind) {
    case "string":
      if (shape.options !== null) return shape.options.filter((option) => isNamed(text, option));
      return text.length > MAX_TEXT ? [] : [text];
    case "boolean":
      return /^(?:yes|no|true|false)$/i.test(text.trim()) ? [/^[yt]/i.test(text.trim())] : [];
    case "array": {
      const parts = text.split(/[,;/]\s*(?:and\s)?|\sand\s/).map((part) => part.trim());
      const items = parts.filter((part) => part !== "");
      const item = { ...wanted, field: { ...shape.items, name: field.name } };
      const values = items.flatMap((part) => readValues(part, item, column));
      return values.length === items.length && values.length > 0 ? [values] : [];
    }
    case "object":
      return [];
  }
}

const YEAR = /\byear\b/i;
const URL = /\b(?:url|website|web address|link|homepage)\b/i;
const DATE = /\b(?:date|when)\b|YYYY-MM-DD/i;

function wishOf({ name, description }: OutputField): string {
  return `${splitIdentifier(name)} ${description}`;
}

function isNamed(text: string, option: string): boolean {
  const literal = option.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/[_-]/g, "[ _-]");
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}+#])`, "iu").test(text);
}

/** The column of a cell, and what is above it. */
interface Column extends Pick<Cell, "name"> {
  context: string;
}

function readNumber(
  span: NumberSpan,
  text: string,
  { field, own, others, subject }: Wanted,
  column: Column | null,
): number[] {
  if (column === null && (span.isYear || subject.terms.some((term) => term.isIn(span.text))))
    return [];
  const wish = wishOf(field);
  const unit = findWantedUnit(splitIdentifier(field.name), field.description);
  const stated = span.unit ?? (column && findUnit(column.name));
  const isShare = /\b(?:rate|share|growth|proportion|ratio|accuracy)\b/i.test(wish);
  if (unit !== null && stated !== unit && (stated !== null || column === null)) return [];
  if (unit === null && stated === "%" && !isShare) return [];
  if (column === null && stated === null) {
    // `24 cars` is no number of passengers.
    const [noun] = splitWords(/^[\s-]\p{L}+/u.exec(text.slice(span.end))?.[0] ?? "");
    const isCounted = noun && (own.includes(noun.key) || others.includes(noun.key));
    if (noun && !isCounted && !isStopWord(noun.text)) return [];
  }
  // A column such as `GDP (billion US$)`, or the heading of a table, has the scale of its cells.
  const scale = (column && (findScale(column.name) ?? findScale(column.context))) ?? 1;
  // `revenue_2022_million`: the year is no amount of millions.
  const wantedScale = findScale(wish.replaceAll(/\b(?:1\d{3}|20\d{2})\b/g, "")) ?? 1;
  const full = span.isScaled ? span.value : span.value * scale;
  const value = Number((full / wantedScale).toPrecision(15));
  // `3.05` for a field in trillions that nothing calls trillions: the scale is unknown.
  return wantedScale > 1 && Math.abs(value) < 1e-3 ? [] : [value];
}
