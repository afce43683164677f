import type { OutputField } from "../../research/output-fields.ts";
import { readWords, splitIdentifier, splitWords } from "../../sources/text/words.ts";
import {
  areRelated,
  type Cell,
  type Clause,
  type FieldWords,
  isNamed,
  isRelated,
  keysOf,
  namingKeys,
  splitClauses,
  type Statement,
} from "./statements.ts";
import { findDates } from "../../sources/text/dates.ts";
import {
  findNumbers,
  findScale,
  findUnit,
  findWantedUnit,
  findWebAddresses,
  type NumberSpan,
} from "./values.ts";
import { unique, type Wanted, wantedYears, yearsIn } from "./wanted-field.ts";
import { readEnumeration, readPhrase, splitList } from "./read-phrase.ts";

/** A value that a statement gives a field. */
export interface Candidate {
  value: unknown;
  statement: Statement;
  /** 4: a cell has the name of the field; 3: the clause has its words; 2: the sentence; 1: partly the heading. */
  strength: number;
}

/** The values that the statement gives the field; several only when it does not say which. */
export function extractValues(statement: Statement, wanted: Wanted): Candidate[] {
  const { text, context, cells } = statement;
  const { subject, parents, kind } = wanted;
  const isOfDate =
    subject.dates.length === 0 ||
    findDates(`${text}\n${context}`).some(({ iso }) => subject.dates.includes(iso));
  if (!isOfDate || !parents.every((key) => areRelated([key], text, context))) return [];
  if (cells !== null) {
    const cell = chooseCell(cells, statement, wanted);
    if (cell !== null) return fromCell(cell, statement, wanted);
    if (cells.length > 1) return [];
  }
  if (/\brespectively\b/i.test(text) || kind === "boolean") return [];
  return fromClauses(statement, wanted);
}

function fromCell(cell: Cell, statement: Statement, wanted: Wanted): Candidate[] {
  const { text, context } = statement;
  const { subject } = wanted;
  const isAbout = subject.names.every((name) => isNamed(name, text, context));
  const years = wantedYears(wanted);
  const place = [cell.name, text, context].find((part) => yearsIn(part).length > 0) ?? "";
  const isOfYear = years.length === 0 || yearsIn(place).some((year) => years.includes(year));
  if (!isAbout || !isOfYear) return [];
  const values = readPlace(
    cell.value,
    cell,
    { start: 0, end: cell.value.length, text: cell.value, chain: cell.value },
    statement,
    wanted,
  );
  return values.map((value) => ({ value, statement, strength: 4 }));
}

/**
 * The one cell that the field names: it has all of the field's words, or has only such words and the others stand in
 * its row or above it. Where the first cell is the name of a row, its value is in another.
 */
function chooseCell(
  cells: readonly Cell[],
  { text, context }: Statement,
  { words, asked, parents, subject }: Wanted,
): Cell | null {
  const extra = [...words.own, ...words.others, ...asked.flatMap(keysOf), ...parents];
  const years = words.years.length > 0 ? words.years : subject.years;
  const rate = (name: string) => {
    const keys = namingKeys(name.replace(/\(.*\)/, ""));
    const inName = words.own.filter((key) => isRelated(key, keys));
    const isWhole = words.own.length > 0 && inName.length === words.own.length;
    const isPure = keys.every((key) => isRelated(key, extra));
    const isRest = words.own.every((key) =>
      isRelated(key, [...keys, ...readWords(`${text}\n${context}`).keys]),
    );
    if (yearsIn(name).some((year) => years.length > 0 && !years.includes(year))) return 0;
    if (keys.length === 0)
      return yearsIn(name).length > 0 && areRelated(words.own, context) ? 1 : 0;
    if (!isWhole && !(isPure && inName.length > 0 && isRest)) return 0;
    return (
      1 +
      (isWhole ? 2 : 0) +
      (isPure ? 1 : 0) +
      keys.filter((key) => isRelated(key, words.others)).length / 10
    );
  };
  const rated = cells
    .map((cell) => ({ cell, rating: rate(cell.name) }))
    .toSorted((a, b) => b.rating - a.rating);
  const [best, second] = rated;
  if (best !== undefined && best.rating > 0 && best.rating !== second?.rating) return best.cell;
  const [label, ...others] = cells;
  if (label === undefined || rate(label.value) < 3) return null;
  const named = others.filter(({ name }) => keysOf(name).some((key) => isRelated(key, extra)));
  const chosen = others.length === 1 ? others : named;
  return chosen.length === 1 ? (chosen[0] ?? null) : null;
}

function fromClauses(statement: Statement, wanted: Wanted): Candidate[] {
  const { context } = statement;
  const { subject, kind } = wanted;
  const text = kind === "number" ? spellOut(statement.text) : statement.text;
  const years = wantedYears(wanted);
  const said = yearsIn(text);
  const isOfYear = (clause: Clause) => {
    if (years.length === 0 || kind === "sentence") return true;
    const around =
      said.length === 0 ? yearsIn(context) : said.length === 1 ? said : yearsIn(clause.text);
    return around.length > 0 && around.every((year) => years.includes(year));
  };
  const found = splitClauses(text).flatMap((clause): Candidate[] => {
    if (!subject.names.every((name) => isNamed(name, clause.chain, context)) || !isOfYear(clause))
      return [];
    const strength = strengthOf(clause, statement, wanted);
    if (strength === 0) return [];
    return readPlace(text, null, clause, statement, wanted, strength).map((value) => ({
      value,
      statement,
      strength,
    }));
  });
  // "88 million in 2020 and 97 million in 2021": without a year it is not clear which is meant.
  const isOpen =
    (years.length === 0 && said.length > 1 && kind === "number") || /\bor\b/.test(text);
  const top = Math.max(0, ...found.map(({ strength }) => strength));
  return isOpen
    ? found.map((candidate) => ({ ...candidate, strength: top }))
    : found.filter(({ strength }) => strength === top);
}

function strengthOf(clause: Clause, statement: Statement, wanted: Wanted): number {
  const { own, others } = wanted.words;
  // "The frame has ten years, the battery three": where the sentence names the object, the clause must.
  const hints = wanted.hints.filter((key) => areRelated([key], statement.text));
  if (hints.length > 0 && !areRelated(hints, clause.text)) return 0;
  const byName = strengthBy(own, clause, statement, wanted);
  return others.length < 2
    ? byName
    : Math.max(byName, strengthBy(others, clause, statement, wanted));
}

function strengthBy(
  own: readonly string[],
  clause: Clause,
  { heading, context }: Statement,
  wanted: Wanted,
): number {
  if (areRelated(own, clause.text)) return 3;
  if (/^[([]/.test(clause.text)) return 0;
  if (areRelated(own, clause.chain)) return 2;
  const years = wantedYears(wanted);
  const isAside = clause.start > 0 && clause.chain === clause.text;
  if (isAside && !yearsIn(clause.text).some((year) => years.includes(year))) return 0;
  if (!areRelated(own, clause.chain, context)) return 0;
  const hasWord = own.some((key) => isRelated(key, readWords(clause.chain).keys));
  const { name, description } = wanted.field;
  return hasWord ||
    areRelated(own, heading) ||
    findWantedUnit(splitIdentifier(name), description) !== null
    ? 1
    : 0;
}

/** The values of the wanted kind in a cell, or in a clause of a sentence. */
function readPlace(
  text: string,
  cell: Cell | null,
  clause: Clause,
  statement: Statement,
  wanted: Wanted,
  strength = 4,
): unknown[] {
  const { kind, field } = wanted;
  const isInside = (span: { start: number; end: number }) =>
    clause.start <= span.start && span.end <= clause.end;
  const isInsertion = cell === null && /^[([]/.test(clause.text);
  const plain = isInsertion
    ? text
    : text.replace(/\([^()]*\)|\[[^[\]]*\]/g, (inside) => " ".repeat(inside.length));
  switch (kind) {
    case "number":
      return unique(
        findNumbers(plain)
          .filter(isInside)
          .flatMap((span) => readNumber(span, plain, cell, statement, wanted, strength)),
      );
    case "year": {
      const years = unique(
        yearsIn(plain.slice(clause.start, clause.end)).filter(
          (year) => cell !== null || !wantedYears(wanted).includes(year),
        ),
      );
      return field.shape.kind === "string" ? years : years.map(Number);
    }
    case "boolean":
      if (/^(?:yes|true)$/i.test(text.trim())) return [true];
      return /^(?:no|false)$/i.test(text.trim()) ? [false] : [];
    case "option":
      return readOptions(clause.text, field);
    case "url":
      return unique(findWebAddresses(clause.text));
    case "date": {
      const wantsIso = /YYYY-MM-DD|\bISO\b/i.test(`${field.name} ${field.description}`);
      const dates = findDates(plain).filter(isInside);
      return unique(dates.map(({ iso }) => iso)).map((iso) =>
        wantsIso ? iso : dates.find((date) => date.iso === iso)?.text,
      );
    }
    case "sentence":
      return cell === null ? [statement.text] : [text];
    case "text":
      return cell === null
        ? readPhrase(text, clause, wanted)
        : text.length <= MAX_TEXT
          ? [text]
          : [];
    case "list": {
      const items = cell === null ? readEnumeration(text, clause, wanted) : splitList(text);
      const values = items.flatMap((item) => readItem(item, wanted));
      return values.length === items.length && values.length > 0 ? [values] : [];
    }
  }
}

/** A longer cell is prose, not a value. */
const MAX_TEXT = 160;

function readOptions(text: string, { shape }: OutputField): string[] {
  if (shape.kind !== "string" || /\b(?:not|never|no|without|neither|nor)\b|n't\b/i.test(text))
    return [];
  return (shape.options ?? []).filter((option) => {
    const literal = option.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/[_-]/g, "[ _-]");
    return new RegExp(
      `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}+#])`,
      option.length > 2 ? "iu" : "u",
    ).test(text);
  });
}

function readNumber(
  span: NumberSpan,
  text: string,
  cell: Cell | null,
  { context }: Statement,
  wanted: Wanted,
  strength: number,
): number[] {
  const { field, asked, words } = wanted;
  if (
    cell === null &&
    (span.isYear ||
      asked.some((part) => splitWords(part).some(({ key }) => key === String(span.value))))
  )
    return [];
  const name = splitIdentifier(field.name);
  // Without the possessive: its `m` or `t` would be read as a unit.
  const unit = findWantedUnit(name, field.description.replace(/['’]\p{L}+/gu, ""));
  const isShare = /\b(?:rate|share|growth|proportion|ratio|accuracy)\b/i.test(
    `${name} ${field.description}`,
  );
  const stated = span.unit ?? (cell === null ? null : findUnit(cell.name));
  if (unit !== null && stated !== unit && !(cell !== null && stated === null)) return [];
  if (unit === null && stated === "%" && !isShare) return [];
  if (unit === null && stated !== null && strength < 3) return [];
  if (cell === null && stated === null && !countsField(text.slice(span.end), words)) return [];

  // A column such as `GDP (billion US$)`, or the heading of a table, carries the scale of its cells.
  const columnScale = cell === null ? null : (findScale(cell.name) ?? findScale(context));
  // `revenue_2022_million`: the year is no amount of millions.
  const wish = `${name} ${field.description}`.replace(/\b(?:1\d{3}|20\d{2})\b/g, "");
  const wantedScale = findScale(wish) ?? 1;
  const isInFull = span.isScaled || columnScale === null;
  const value = Number(
    ((isInFull ? span.value : span.value * columnScale) / wantedScale).toPrecision(15),
  );
  // `3.05` for a field in trillions that nothing around it calls trillions: the scale is unknown.
  if (wantedScale > 1 && Math.abs(value) < 1e-3) return [];
  if (field.shape.kind === "integer" && !Number.isSafeInteger(value)) return [];
  const options =
    field.shape.kind === "integer" || field.shape.kind === "number" ? field.shape.options : null;
  return options === null || options.includes(value) ? [value] : [];
}

/** Whether the noun after a number without unit is the field's: `24 cars` is no number of passengers. */
function countsField(after: string, { own, others }: FieldWords): boolean {
  const [noun = ""] = /^[\s-](?:\p{L}+[\s-]?){1,3}/u.exec(after) ?? [];
  const keys = [];
  for (const { text, key } of splitWords(noun)) {
    if (STOP.test(text)) break;
    keys.push(key);
  }
  const isField = (key: string) => isRelated(key, own) || isRelated(key, others);
  return keys.length === 0 || keys.some(isField) || /^\s(?:people|persons)\b/.test(after);
}

const STOP =
  /^(?:a|an|and|are|as|at|but|by|each|every|for|from|had|has|have|if|in|is|of|on|or|per|so|that|the|than|then|to|was|were|when|where|which|who|while|will|with)$/i;

const NUMBER_WORDS = "two three four five six seven eight nine ten eleven twelve".split(" ");

function spellOut(text: string): string {
  return text.replace(
    /\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?!-)/gi,
    (word) => String(NUMBER_WORDS.indexOf(word.toLowerCase()) + 2),
  );
}

/** One item of the list, as its schema wants it. */
function readItem(text: string, wanted: Wanted): unknown[] {
  const { shape } = wanted.field;
  if (shape.kind !== "array") return [];
  const kind = shape.items.shape.kind;
  if (kind === "number" || kind === "integer")
    return unique(findNumbers(text).map(({ value }) => value));
  if (kind !== "string") return [];
  return shape.items.shape.options === null
    ? [text.replace(/^(?:the|an?)\s/i, "")]
    : readOptions(text, shape.items);
}
