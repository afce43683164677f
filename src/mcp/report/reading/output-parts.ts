import type { RunOutput } from "../../../task-api/output.ts";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { PartNotFound } from "../../arguments/argument-problems.ts";
import type { SectionEntry } from "../run-report.ts";
import { oneLine } from "../text.ts";

/** The part of an output to read. */
export interface OutputSelection {
  /** A dotted path such as `companies.0.revenue`; undefined for the whole output. */
  field: string | undefined;
  /** A heading of a Markdown text; undefined for the whole text. */
  section: string | undefined;
  /** For a basis: only fields with this confidence. */
  confidence: string | undefined;
  /** The first character to show; of a basis or events, the first item. */
  offset: number;
}

/** The field at a dotted path; the whole content for undefined. Throws `PartNotFound`. */
export function pickField(output: RunOutput, field: string | undefined): unknown {
  if (field === undefined) return output.content;
  const notFound = (known: string[], inside: readonly string[] = []) =>
    new PartNotFound({
      kind: "field",
      name: field,
      known,
      ...(inside.length > 0 && { inside: inside.join(".") }),
    });
  // The basis of a text names its only field `output`.
  if (output.type === "text") {
    if (field === "output") return output.content;
    throw notFound(["output"]);
  }
  // The whole path first: a field's name may contain a dot.
  if (Object.hasOwn(output.content, field)) return output.content[field];
  let value: unknown = output.content;
  const names = field.split(".");
  for (const [depth, name] of names.entries()) {
    const inside = Array.isArray(value)
      ? new Map(value.map((item, index) => [String(index), item]))
      : new Map(Object.entries(JsonObject.catch({}).parse(value)));
    if (!inside.has(name)) throw notFound([...inside.keys()], names.slice(0, depth));
    value = inside.get(name);
  }
  return value;
}

/** A section of a Markdown text: a heading and everything under it, deeper headings included. */
export interface TextSection {
  /** The text of the heading; ` (2)` and so on distinguish equal headings. */
  name: string;
  /** 1 to 6, as in Markdown. */
  level: number;
  /** Start of the heading's line, and start of the next heading of the same or a higher level. */
  start: number;
  end: number;
}

/** Longer lines are not headings. The limit keeps the pattern below fast on hostile text. */
const HEADING_MAX_CHARS = 500;

const CODE_FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$/;

/** The sections of a Markdown text, in order. Lines inside code fences are not headings. */
export function findSections(text: string): TextSection[] {
  const open: TextSection[] = [];
  const sections: TextSection[] = [];
  const timesSeen = new Map<string, number>();
  let fence: string | null = null;
  let start = 0;
  for (const line of text.split("\n")) {
    const mark = CODE_FENCE.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) === true) fence = null;
    } else if (mark !== undefined) {
      fence = mark;
    } else {
      const [, hashes, words] =
        line.length > HEADING_MAX_CHARS ? [] : (HEADING.exec(line.trimEnd()) ?? []);
      if (hashes !== undefined && words !== undefined) {
        const level = hashes.length;
        while ((open.at(-1)?.level ?? 0) >= level) {
          const closed = open.pop();
          if (closed !== undefined) closed.end = start;
        }
        const name = plainWords(words);
        const times = (timesSeen.get(name) ?? 0) + 1;
        timesSeen.set(name, times);
        const section: TextSection = {
          name: times === 1 ? name : `${name} (${times})`,
          level,
          start,
          end: text.length,
        };
        open.push(section);
        sections.push(section);
      }
    }
    start += line.length + 1;
  }
  return sections;
}

/** The text of the section with this name. Throws `PartNotFound`. */
export function pickSection(text: string, asked: string): string {
  const sections = findSections(text);
  const section = sectionNamed(sections, asked);
  if (section === undefined) {
    const known = sections.map(({ name }) => name);
    throw new PartNotFound({ kind: "section", name: asked, known });
  }
  return text.slice(section.start, section.end).trimEnd();
}

/** The section with this name, ignoring case; else the only one whose name starts so. */
function sectionNamed(sections: readonly TextSection[], asked: string): TextSection | undefined {
  const wanted = fold(asked.replace(/^#+\s+/, ""));
  const same = sections.find(({ name }) => fold(name) === wanted);
  if (same !== undefined) return same;
  const beginning = sections.filter(({ name }) => fold(name).startsWith(wanted));
  return beginning.length === 1 ? beginning[0] : undefined;
}

/** The words without emphasis, code marks and link targets: what a reader would type. */
function plainWords(words: string): string {
  return words
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[*`]|\b_+|_+\b/g, "")
    .trim();
}

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").trim();
}

const NAME_BUDGET = 100;
/** The weight of an outline entry without its name, in JSON. */
const ENTRY_WEIGHT = 40;

/** The outline down to the deepest level that fits the budget; of a long top level, the first entries. */
export function outlineOf(sections: readonly TextSection[], budget: number): SectionEntry[] {
  const levels = [...new Set(sections.map(({ level }) => level))].toSorted((a, b) => b - a);
  for (const deepest of levels) {
    const entries = sections.filter(({ level }) => level <= deepest).map(outlineEntry);
    if (outlineWeight(entries) <= budget) return entries;
  }
  const top = levels.at(-1);
  const entries = sections.filter(({ level }) => level === top).map(outlineEntry);
  while (entries.length > 0 && outlineWeight(entries) > budget) entries.pop();
  return entries;
}

function outlineEntry({ name, level, start, end }: TextSection): SectionEntry {
  return { section: oneLine(name, NAME_BUDGET), level, chars: end - start };
}

function outlineWeight(entries: readonly SectionEntry[]): number {
  return entries.reduce((sum, { section }) => sum + Buffer.byteLength(section) + ENTRY_WEIGHT, 0);
}
