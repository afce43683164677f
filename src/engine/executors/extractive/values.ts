import { findDates } from "../../sources/text/dates.ts";

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

const SCALES: Record<string, number> = {
  trillion: 1e12,
  tn: 1e12,
  billion: 1e9,
  bn: 1e9,
  million: 1e6,
  mn: 1e6,
  thousand: 1e3,
};

/** Canonical unit to its spellings. Values are never converted: another unit is no answer. */
const UNITS: readonly (readonly [unit: string, spelling: string])[] = [
  ["USD", "US\\$|\\$|USD|US dollars?|dollars?"],
  ["EUR", "€|EUR|euros?"],
  ["GBP", "£|GBP|pounds? sterling"],
  ["JPY", "¥|JPY|yen"],
  ["%", "%|per ?cent|percentage"],
  ["km2", "km²|km2|square kilomet(?:re|er)s?|sq\\.? km"],
  ["km/h", "km\\/h|kmh|kilomet(?:re|er)s? per hour"],
  ["m/s", "m\\/s|met(?:re|er)s? per second"],
  ["km", "km|kilomet(?:re|er)s?"],
  ["mile", "miles?"],
  ["cm", "cm|centimet(?:re|er)s?"],
  ["mm", "mm|millimet(?:re|er)s?"],
  ["m", "m|met(?:re|er)s?"],
  ["ft", "ft|feet|foot"],
  ["kg", "kg|kilograms?"],
  ["t", "tonnes?|tons?"],
  ["Hz", "Hz|hertz"],
  ["°C", "°C|degrees? celsius"],
];

const ANY_UNIT = UNITS.map(([, spelling]) => spelling).join("|");

/** Digits that are part of a word (`G7`), an ordinal (`20th`), a version (`1.2.3`) or a power of ten are no number. */
const NUMBER = new RegExp(
  `(?<![\\p{L}\\p{N}]|\\p{N}[.,]|[×x^]\\s?|[×x]\\s?10[-−])(?<sign>[-−](?=[\\d$€£¥]))?(?<before>(?:US\\$|[$€£¥]|USD|EUR|GBP|JPY)\\s?)?` +
    `(?<digits>\\d{1,3}(?:[,\\u00a0\\u202f]\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d+)?)(?![.,]?\\d)` +
    `(?:\\s?(?<scale>${Object.keys(SCALES).join("|")})(?![\\p{L}\\p{N}]))?` +
    `(?:\\s?(?:current )?(?<after>${ANY_UNIT})(?![\\p{L}\\p{N}]))?(?![\\p{L}\\p{N}]|\\s?[×x]\\s?10)`,
  "giu",
);

/** Every number of the text that is a quantity or a year, in order. Parts of dates are not numbers. */
export function findNumbers(text: string): NumberSpan[] {
  const dates = findDates(text);
  return [...text.matchAll(NUMBER)].flatMap((match) => {
    const { sign, before, digits = "", scale, after } = match.groups ?? {};
    const start = match.index;
    const end = start + match[0].length;
    if (dates.some((date) => start < date.end && date.start < end)) return [];
    const size = Number(digits.replace(/[,\u00a0\u202f]/g, ""));
    const unscaled = sign === undefined ? size : -size;
    const value = unscaled * (SCALES[scale?.toLowerCase() ?? ""] ?? 1);
    const unit = findUnit(before ?? after ?? "");
    const isYear =
      /^(?:1\d{3}|20\d{2})$/.test(digits) &&
      scale === undefined &&
      unit === null &&
      sign === undefined;
    // 68.2 million is 68200000.00000001 in binary floating point; documents never give more than 15 digits.
    return [
      {
        value: Number(value.toPrecision(15)),
        text: match[0],
        start,
        end,
        unit,
        isScaled: scale !== undefined,
        isYear,
      },
    ];
  });
}

const UNIT_PATTERNS = UNITS.map(
  ([unit, spelling]) =>
    [unit, new RegExp(`(?<![\\p{L}\\p{N}])(?:${spelling})(?![\\p{L}\\p{N}])`, "iu")] as const,
);

/** The first unit a text names; null when it names none. */
export function findUnit(text: string): string | null {
  return UNIT_PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}

/** The scale of a field or column `in billions`; null when it does not say. `not in billions` and `3 billion` say nothing. */
export function findScale(text: string): number | null {
  const match =
    /(?<!\p{L}|\bnot |\bnot in |\d\s?)(trillion|billion|million|thousand)s?(?!\p{L})/iu.exec(text);
  return SCALES[match?.[1]?.toLowerCase() ?? ""] ?? null;
}

const WEB_ADDRESS = /https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/g;

export function findWebAddresses(text: string): string[] {
  return text.match(WEB_ADDRESS) ?? [];
}
