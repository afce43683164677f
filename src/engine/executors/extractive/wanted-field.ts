import type { OutputField } from "../../research/output-fields.ts";
import { isYear, readWords, splitIdentifier } from "../../sources/text/words.ts";
import { type FieldWords, keysOf, readFieldWords, type Subject } from "./statements.ts";

type ValueKind =
  | "number"
  | "year"
  | "boolean"
  | "option"
  | "url"
  | "date"
  | "sentence"
  | "text"
  | "list";

/** A field, what it asks for, and about what. */
export interface Wanted {
  field: OutputField;
  kind: ValueKind;
  words: FieldWords;
  /** Of the objects around the field, where siblings have a field of the same name. */
  parents: readonly string[];
  /** Of all objects around the field. */
  hints: readonly string[];
  subject: Subject;
  asked: readonly string[];
}

export function wantField(
  field: OutputField,
  parents: readonly string[],
  hints: readonly string[],
  subject: Subject,
  asked: readonly string[],
): Wanted {
  const words = readFieldWords(field.name, field.description, asked.flatMap(keysOf));
  return { field, kind: kindOf(field), words, parents, hints, subject, asked };
}

function kindOf({ name, description, shape }: OutputField): ValueKind {
  const spoken = splitIdentifier(name);
  const wish = `${spoken} ${description}`;
  // The name decides: a description may mention a year for other reasons (`GDP in the given year`).
  const wantsYear = /\byear\b/i.test(spoken) || /^(?:the )?year\b/i.test(description);
  switch (shape.kind) {
    case "number":
    case "integer":
      return wantsYear ? "year" : "number";
    case "boolean":
      return "boolean";
    case "array":
    case "object":
      return "list";
    case "string":
      if (shape.options !== null) return "option";
      if (/\b(?:url|website|web address|link|homepage)\b/i.test(wish)) return "url";
      if (
        /\b(?:date|when)\b|\bon$|YYYY-MM-DD/i.test(spoken) ||
        /\bdate\b|^when\b|YYYY-MM-DD/i.test(description)
      )
        return "date";
      if (/\b(?:sentences?|summar\w+|description|overview|explanation)\b/i.test(wish))
        return "sentence";
      return wantsYear ? "year" : "text";
  }
}

export function wantedYears({ words, subject }: Wanted): readonly string[] {
  return words.years.length > 0 ? words.years : subject.years;
}

/** The years of a text, in order, each once. */
export function yearsIn(text: string): string[] {
  return unique(readWords(text).words.flatMap((word) => (isYear(word.key) ? [word.text] : [])));
}

export function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}
