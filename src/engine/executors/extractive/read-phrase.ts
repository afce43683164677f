import { splitIdentifier, splitWords, wordKey } from "../../sources/text/words.ts";
import type { Wanted } from "./wanted-field.ts";
import { areRelated, type Clause, isNamed, isRelated } from "./statements.ts";

const NAME =
  "\\p{Lu}[\\p{L}\\p{N}.'’&-]*(?:\\s(?:(?:of|de|van|von|the|and|&)\\s){0,2}[\\p{Lu}\\p{N}][\\p{L}\\p{N}'’&-]*(?:\\.(?=\\p{L}))?)*";
/** A name that a noun follows is an adjective: `the English botanist`. */
const NAMED = `${NAME}(?=[,;.:)]|$|\\s(?:and|as|at|by|for|from|in|of|on|since|to|who|with|after|before|near)\\b)`;
const IS = "(?:is|are|was|were|has been|have been|will be|became)";
const ADVERB =
  "(?:(?:now|currently|typically|usually|always|normally|called|named|about|the|an?)\\s)*";
const VALUE = `(?<value>["“][^"”]{1,60}["”]|${NAMED}|\\d[\\d.,:]*\\d?(?:\\s?(?:\\p{L}+|%))?)`;
const AFTER = new RegExp(
  `^(?:\\s(?:of|for|in|since|at)\\s[^,;:.]{1,40}?)?\\s${IS}\\s${ADVERB}${VALUE}`,
  "u",
);
const APPOSED = new RegExp(`^\\s(?<value>${NAME})`, "u");
const BY = new RegExp(`^[^,;.]{0,40}?\\sby\\s(?:the\\s)?(?<value>${NAMED})`, "u");
const BEFORE = new RegExp(
  `(?<value>${NAME})\\s${IS}\\s(?:the|an?|its|their)\\s(?:[\\p{L}\\p{N}-]+\\s){0,2}$`,
  "u",
);
const DEFAULT = new RegExp(
  `^(?: value)?(?:\\sto|:|=|\\sis)\\s${ADVERB}(?<value>["“][^"”]{1,60}["”]|[^\\s,;()]+(?:\\s(?=\\p{L}+[.,;)]?$)\\p{L}+)?)`,
  "u",
);

const ENUMERATED = new RegExp(
  `^(?:\\s(?:of|for|in)\\s[^,;:.]{1,40}?)?(?::|\\s(?:${IS}|includes?|included|such as|comprise))\\s([^.;:]+)`,
  "u",
);
const AGENTS = /^[^,;.]{0,40}?\sby\s([^.;:]+)/u;

/** What a clause says that the field is: after its words and a verb, beside them, or before "is the". */
export function readPhrase(
  text: string,
  clause: Clause,
  { field, words, subject }: Wanted,
): string[] {
  if (!areRelated(words.own, clause.text)) return [];
  const at = splitWords(clause.text).filter(({ key }) =>
    words.own.some((own) => isRelated(own, [key])),
  );
  const [first, last] = [at.at(0), at.at(-1)];
  if (first === undefined || last === undefined) return [];
  const rest = text.slice(clause.start + last.start + last.text.length);
  const isAgent = /\bby\b|(?:er|or|ers|ors|ect|ects)$/i.test(splitIdentifier(field.name));
  const match =
    (last.key === wordKey("default") ? DEFAULT.exec(rest) : null) ??
    AFTER.exec(rest) ??
    (isAgent ? BY.exec(rest) : null) ??
    (/^\p{Ll}/u.test(last.text) ? APPOSED.exec(rest) : null) ??
    BEFORE.exec(text.slice(0, clause.start + first.start));
  const value = match?.groups?.["value"]?.replace(/^["“]|["”]$|[.,:]$/g, "") ?? "";
  const isSubject =
    subject.names.some((name) => isNamed(name, value)) ||
    /^(?:It|He|She|They|This|These|The)$/.test(value);
  return value === "" || isSubject ? [] : [value];
}

const MAX_ITEM_WORDS = 6;

/** The items that a sentence enumerates after the words of the field: "the languages are A, B and C". */
export function readEnumeration(text: string, clause: Clause, { field, words }: Wanted): string[] {
  const last = splitWords(clause.text).findLast(({ key }) =>
    words.own.some((own) => isRelated(own, [key])),
  );
  if (last === undefined || !areRelated(words.own, clause.text)) return [];
  const rest = text.slice(clause.start + last.start + last.text.length);
  const isAgent = /\bby\b|(?:ers|ors|ects)$/i.test(splitIdentifier(field.name));
  const [, list = ""] = ENUMERATED.exec(rest) ?? (isAgent ? AGENTS.exec(rest) : null) ?? [];
  const items = splitList(list.split(/,?\s(?:which|who|whose|where|in|at|on|from)\s/)[0] ?? "");
  return items.length > 1 && items.every((item) => item.split(" ").length <= MAX_ITEM_WORDS)
    ? items
    : [];
}

/** The items of an enumeration. */
export function splitList(text: string): string[] {
  return text
    .split(/[,;]\s(?:and\s|or\s)?|\s(?:and|or|&)\s/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
