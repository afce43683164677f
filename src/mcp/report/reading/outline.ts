import type { OutlineEntry } from "../run-report.ts";
import { oneLine } from "./page-text.ts";
import type { Section } from "./sections.ts";

const NAME_BUDGET = 100;
/** What an entry weighs besides its name, in JSON. */
const ENTRY_WEIGHT = 40;

/** The sections as far down as all of them fit the budget; of very many on the top level, the first. */
export function outlineOf(sections: readonly Section[], budget: number): OutlineEntry[] {
  const levels = [...new Set(sections.map(({ level }) => level))].toSorted((a, b) => b - a);
  for (const deepest of levels) {
    const entries = sections.filter(({ level }) => level <= deepest).map(entryOf);
    if (weightOf(entries) <= budget) return entries;
  }
  const top = levels.at(-1);
  const entries = sections.filter(({ level }) => level === top).map(entryOf);
  while (entries.length > 0 && weightOf(entries) > budget) entries.pop();
  return entries;
}

/** Indented by level, so that it reads as a table of contents. */
export function outlineText(entries: readonly OutlineEntry[]): string {
  const top = Math.min(...entries.map(({ level }) => level));
  return entries
    .map(
      ({ section, level, chars }) =>
        `${"  ".repeat(level - top)}- ${section} (${chars} characters)`,
    )
    .join("\n");
}

function entryOf({ name, level, start, end }: Section): OutlineEntry {
  return { section: oneLine(name, NAME_BUDGET), level, chars: end - start };
}

function weightOf(entries: readonly OutlineEntry[]): number {
  return entries.reduce((sum, { section }) => sum + Buffer.byteLength(section) + ENTRY_WEIGHT, 0);
}
