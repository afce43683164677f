import { findDates } from "./dates.ts";
import { isStopWord } from "./stop-words.ts";

/** A number in a text, with the text that shows what it counts. */
export interface NumberSpan {
  /** The full value: `3.05 trillion` is 3,050,000,000,000. */
  value: number;
  /** Verbatim. */
  text: string;
  start: number;
  end: number;
  /** A canonical unit from {@link findUnit}: `USD`, `%`, `km`; null when none stands at the number. */
  unit: string | null;
  /** Whether it is written with `million` or the like. */
  isScaled: boolean;
  /** Whether it is written like a year. */
  isYear: boolean;
}

const SCALES = new Map(
  Object.entries({ trillion: 1e12, tn: 1e12, billion: 1e9, bn: 1e9, million: 1e6, mn: 1e6 }),
).set("thousand", 1e3);

/** Each unit with its spellings; compound ones come first. Values are never converted: another unit is no answer. */
const UNITS = String.raw`
  USD US\$|\$|USD|US dollars?|dollars?; EUR €|EUR|euros?; GBP £|GBP|pounds? sterling; JPY ¥|JPY|yen
  % %|per ?cent|percentage|pct; °C °C|degrees? celsius; km2 km²|km2|square kilomet(?:re|er)s?|sq\.? km
  km/h km\/h|kmh|kilomet(?:re|er)s? per hour; m/s m\/s|met(?:re|er)s? per second
  km km|kilomet(?:re|er)s?; mile miles?; cm cm|centimet(?:re|er)s?; mm mm|millimet(?:re|er)s?
  m m|met(?:re|er)s?; ft ft|feet|foot; kg kg|kilograms?; t tonnes?|tons?; ha ha|hectares?
  l l|lit(?:re|er)s?; m3 m³|m3|cubic met(?:re|er)s?; Hz Hz|hertz; V V|volts?; A A|amps?|amperes?
  W W|watts?; kW kW|kilowatts?; MW MW|megawatts?; Wh Wh|watt hours?; kWh kWh|kilowatt hours?
  TWh TWh|terawatt hours?; dB dB|decibels?; bit bits?; byte bytes?|octets?; kB kB|KiB|kilobytes?
  MB MB|MiB|megabytes?; GB GB|GiB|gigabytes?; TB TB|TiB|terabytes?; ms ms|milliseconds?|millis
  s s|secs?|seconds?; min mins?|minutes?; h h|hours?; day days?; week weeks?; month months?; year years?`
  .trim()
  .split(/;\s|\n\s*/)
  .map((entry) => [entry.replace(/ .*/, ""), entry.replace(/^\S+ /, "")] as const);

const ANY_UNIT = UNITS.map(([, spelling]) => spelling).join("|");

/** Digits that are part of a word (`G7`), an ordinal (`20th`), a version (`1.2.3`), a time or a power of ten are no number. */
const NUMBER = new RegExp(
  `(?<![\\p{L}\\p{N}_]|\\p{L}[-_]|\\p{N}[.,:]|[×x^]\\s?|[×x]\\s?10[-−])(?<sign>[-−](?=[\\d$€£¥]))?(?<before>(?:US\\$|[$€£¥]|USD|EUR|GBP|JPY)\\s?)?` +
    `(?<digits>\\d{1,3}(?:[,\\u00a0\\u202f]\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d+)?)(?![.,:]?\\d)` +
    `(?:[\\s-]?(?<scale>${[...SCALES.keys()].join("|")})(?![\\p{L}\\p{N}]))?` +
    `(?:[\\s-]?(?:current )?(?<after>${ANY_UNIT})(?![\\p{L}\\p{N}]))?(?![\\p{L}\\p{N}_]|\\s?[×x]\\s?10)`,
  "giu",
);

/** Such a number names a thing or a place in a text; it counts nothing. */
const LABEL =
  /(?:\b(?:section|sec|chapter|figure|fig|table|page|pp?|version|ver|v|rfc|iso|nos?|number|article|appendix|step|item|note|line|part|volume|vol|issue|release|rule)\.?\s*|[§#]\s?)$/iu;
const NAME_BEFORE = /(?:^|\s)(\p{Lu}[\p{L}\p{N}]*)\s$/u;
/** `20 octets longer than` is no length. */
const DIFFERENCE = /^\s(?:\p{L}+\s){1,2}than\b/u;

/** Every number of the text that is a quantity or a year, in order. Parts of dates, ranges and names are not numbers. */
export function findNumbers(text: string): NumberSpan[] {
  const dates = findDates(text);
  const spans = [...text.matchAll(NUMBER)].flatMap((match): NumberSpan[] => {
    const { sign, before, digits = "", scale, after } = match.groups ?? {};
    const start = match.index;
    const end = start + match[0].length;
    if (dates.some((date) => start < date.end && date.start < end)) return [];
    const size = Number(digits.replace(/[,\u00a0\u202f]/g, ""));
    const unscaled = sign === undefined ? size : -size;
    const value = unscaled * (SCALES.get(scale?.toLowerCase() ?? "") ?? 1);
    const unit = findUnit(before ?? after ?? "");
    const isBare = scale === undefined && unit === null && sign === undefined;
    const isYear = isBare && /^(?:1\d{3}|20\d{2})$/.test(digits);
    // 68.2 million is 68200000.00000001 in binary floating point; documents never give more than 15 digits.
    const number = Number(value.toPrecision(15));
    return [
      { value: number, text: match[0], start, end, unit, isScaled: scale !== undefined, isYear },
    ];
  });
  return spans.filter((span) => {
    const before = text.slice(Math.max(0, span.start - 40), span.start);
    const name = NAME_BEFORE.exec(before)?.[1];
    const isNamed = name !== undefined && !isStopWord(name) && !span.isYear;
    const isListNumber = span.start === 0 && /^[.)]\s/.test(text.slice(span.end));
    const isDifference = DIFFERENCE.test(text.slice(span.end));
    return !LABEL.test(before) && !isNamed && !isListNumber && !isDifference;
  });
}

const UNIT_PATTERNS = UNITS.map(
  ([unit, spelling]) =>
    [unit, new RegExp(`(?<![\\p{L}\\p{N}])(?:${spelling})(?![\\p{L}\\p{N}])`, "iu")] as const,
);

/** The first unit a text names; null when it names none. A single letter is one only as it is spelled: `a` is no ampere. */
export function findUnit(text: string): string | null {
  const unit = UNIT_PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
  return unit?.length === 1 && /^\s*\p{L}\s*$/u.test(text) && unit !== text.trim() ? null : unit;
}

/** The unit in which a field wants its number: `area_km2`, `height in metres`, `GDP (US$)`. */
export function findWantedUnit(name: string, description: string): string | null {
  const last = /(?<!\bper )\b\S+$/.exec(name)?.[0] ?? "";
  const written =
    /\b(?:in|of)\s+(?:current )?(?:(?:trillion|billion|million|thousand)s?\s+)?(?:of\s+)?((?:\S+\s?){1,3})|\(([^)]*)\)/giu;
  const said = [...description.matchAll(written)].flatMap(([, unit, inside]) => [unit, inside]);
  const starting = new RegExp(`^(?:current )?(?:${ANY_UNIT})(?![\\p{L}\\p{N}])`, "iu");
  return (
    findUnit(last) ??
    said
      .map((text) => findUnit(starting.exec(text ?? "")?.[0] ?? ""))
      .find((unit) => unit !== null) ??
    null
  );
}

/** The scale of a field or column `in billions`; null when it does not say. `not in billions` and `3 billion` say nothing. */
export function findScale(text: string): number | null {
  const match =
    /(?<!\p{L}|\bnot |\bnot in |\d\s?)(trillion|billion|million|thousand)s?(?!\p{L})/iu.exec(text);
  return SCALES.get(match?.[1]?.toLowerCase() ?? "") ?? null;
}
