/** A full date in a text. */
export interface DateSpan {
  text: string;
  start: number;
  end: number;
  /** `YYYY-MM-DD`. */
  iso: string;
}

/** Languages whose names of months do not contradict each other; dates in others are found when written in numbers. */
const LOCALES = ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "ru", "uk"];

/** Long and short names, also as they are inflected beside a day, in lower case and without a full stop. */
const MONTHS = readMonthNames();

function readMonthNames(): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  for (const locale of LOCALES) {
    for (const month of ["long", "short"] as const) {
      const formats = [{ month }, { month, day: "numeric" } as const].map(
        (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }),
      );
      for (let number = 1; number <= 12; number += 1) {
        for (const format of formats) {
          const parts = format.formatToParts(Date.UTC(2000, number - 1, 1));
          const name = parts.find(({ type }) => type === "month")?.value ?? "";
          const key = name.replace(/\.$/, "").toLowerCase();
          if (/^\p{L}{3,}$/u.test(key) && !names.has(key)) names.set(key, number);
        }
      }
    }
  }
  return names;
}

const MONTH = "\\p{L}{3,12}";
const DAY = "\\d{1,2}(?:st|nd|rd|th|er|\\.|º)?";
const OF = "(?:of\\s|de\\s|del\\s)?";
const DATE = new RegExp(
  `(?<![\\p{L}\\p{N}]|\\d[.-])(?:` +
    `(?<d1>${DAY})[\\s-]${OF}(?<m1>${MONTH})\\.?,?[\\s-]${OF}(?<y1>\\d{4})|` +
    `(?<m2>${MONTH})\\.?\\s(?<d2>${DAY}),?\\s(?<y2>\\d{4})|` +
    `(?<y3>\\d{4})(?<separator>[-/])(?<m3>\\d{2})\\k<separator>(?<d3>\\d{2})|` +
    `(?<d4>\\d{1,2})\\.\\s?(?<m4>\\d{1,2})\\.\\s?(?<y4>\\d{4})|` +
    `(?<y5>\\d{4})\\s?[年년]\\s?(?<m5>\\d{1,2})\\s?[月월]\\s?(?<d5>\\d{1,2})\\s?[日일]?)(?!(?!T\\d)[\\p{L}\\p{N}]|[.-]\\d)`,
  "gu",
);
const YEAR = /\d{4}/;

/** Every full date of the text: `24 October 1945`, `October 24, 1945`, `1945-10-24`, `24. Oktober 1945`, `24.10.1945`. */
export function findDates(text: string): DateSpan[] {
  if (!YEAR.test(text)) return [];
  return [...text.matchAll(DATE)].flatMap((match) => {
    const iso = readIso(match.groups ?? {});
    if (iso === null) return [];
    return [{ text: match[0], start: match.index, end: match.index + match[0].length, iso }];
  });
}

function readIso(groups: Record<string, string | undefined>): string | null {
  const read = (part: string) =>
    [1, 2, 3, 4, 5].map((n) => groups[`${part}${n}`]).find((value) => value !== undefined) ?? "";
  const month = MONTHS.get(read("m").toLowerCase()) ?? Number(read("m"));
  const pad = (number: number) => String(number).padStart(2, "0");
  const iso = `${read("y")}-${pad(month)}-${pad(Number.parseInt(read("d"), 10))}`;
  const parsed = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(iso) ? null : iso;
}

/** How the index writes a date, as one word. */
export function dateWord(iso: string): string {
  return iso.replaceAll("-", "");
}

/** The dates of a passage as the words of its column in the index. */
export function dateWords(text: string): string {
  return [...new Set(findDates(text).map(({ iso }) => dateWord(iso)))].join(" ");
}
