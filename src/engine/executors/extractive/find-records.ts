import type { JsonObject } from "../../../task-api/task-spec.ts";
import type { Ranking, RankedPassage } from "../../sources/source.ts";
import { readWords, splitIdentifier } from "../../sources/text/words.ts";
import type { OutputField } from "../../research/output-fields.ts";
import { type Candidate, extractValues } from "./extract-value.ts";
import { wantField, type Wanted } from "./wanted-field.ts";
import type { FillOptions, Place } from "./filled-field.ts";
import type { ResearchTask } from "./research-task.ts";
import {
  isRelated,
  keysOf,
  type Name,
  readStatements,
  type Statement,
  type Subject,
} from "./statements.ts";

/** The same for every processor: one that reads further may find another value, not a better one. */
export const PASSAGES = 40;
/** Around the passages of a table that were found, its others are read. */
const TABLE_PASSAGES = 40;
export const MAX_RECORDS = 100;

/** The candidates of the value that most speaks for; none when that is not one value. */
export function choose(
  candidates: readonly Candidate[],
  { words, asked, subject }: Wanted,
): Candidate[] {
  const wish = [...words.others, ...asked.flatMap(keysOf)];
  const rate = ({ strength, statement: { text, context } }: Candidate) => {
    const { keys } = readWords(`${text}\n${context}`);
    const said = wish.filter((key) => isRelated(key, keys)).length / Math.max(wish.length, 1);
    const names = subject.names.flatMap(({ terms }) => terms);
    const own = names.filter((term) => term.isIn(text)).length / Math.max(names.length, 1);
    return strength + said / 2 + own / 10;
  };
  const rated = candidates.map((candidate) => ({ candidate, rating: rate(candidate) }));
  const top = Math.max(0, ...rated.map(({ rating }) => rating));
  const best = rated.flatMap(({ candidate, rating }) => (rating === top ? [candidate] : []));
  return new Set(best.map(({ value }) => JSON.stringify(value))).size === 1 ? best.slice(0, 1) : [];
}

/** A field that is named like a value of the input repeats that value, where a passage is about it. */
export function isGivenField({ name, shape }: OutputField, task: ResearchTask): boolean {
  return shape.kind === "string" && task.givenValues(name).length > 0;
}

export function hintsOf({ hints }: Place): string[] {
  return hints.flatMap(keysOf);
}

export function statementsOf({ passages }: Ranking): Statement[] {
  return passages.flatMap(readStatements);
}

export interface FoundRecord {
  /** The subject that the question names; null for a row. */
  name: string | null;
  value: JsonObject;
  candidates: Candidate[];
}

export async function recordsOfSeries(
  place: Place,
  fields: readonly OutputField[],
  subject: Subject,
  options: FillOptions,
): Promise<FoundRecord[]> {
  const { task, search } = options;
  const others = subject.names.filter((name) => !subject.series.includes(name));
  const records: FoundRecord[] = [];
  for (const one of subject.series) {
    if (options.time.isOver()) break;
    const text = [one, ...others].map((name) => name.text).join(" ");
    const hints = [...subject.years, ...fields.map(({ name }) => splitIdentifier(name))].join(" ");
    const statements = statementsOf(await search.search({ text, hints }, PASSAGES));
    const found = { ...subject, names: [one, ...others], series: [] };
    const read = (field: OutputField) => {
      const wanted = wantField(field, place.parents, hintsOf(place), found, task.asked);
      return choose(
        statements.flatMap((statement) => extractValues(statement, wanted)),
        wanted,
      );
    };
    records.push(toRecord(one, fields, place, options.task, read));
  }
  return records;
}

export async function recordsOfRows(
  place: Place,
  fields: readonly OutputField[],
  subject: Subject,
  ranking: Ranking,
  { task, search }: FillOptions,
): Promise<FoundRecord[]> {
  const read = (statement: Statement) =>
    toRecord(null, fields, place, task, (field) => {
      const values = extractValues(
        statement,
        wantField(field, place.parents, hintsOf(place), subject, task.asked),
      );
      return values.length === 1 && values[0]?.strength === 4 ? values : [];
    });
  const isRecord = ({ candidates }: FoundRecord) =>
    candidates.length > 1 || candidates.length === fields.length;
  const tables = new Map<string, { passage: RankedPassage; cells: number }>();
  for (const passage of ranking.passages) {
    const key = `${passage.document.id} ${passage.heading}`;
    const found = readStatements(passage).map(read).filter(isRecord);
    const cells = Math.max(0, ...found.map(({ candidates }) => candidates.length));
    const table = tables.get(key);
    if (cells > (table?.cells ?? 0)) tables.set(key, { passage: table?.passage ?? passage, cells });
  }
  const [best] = [...tables.values()].toSorted((a, b) => b.cells - a.cells);
  if (best === undefined) return [];
  const { document, position, heading } = best.passage;
  const around = await search.read(document, position - TABLE_PASSAGES, position + TABLE_PASSAGES);
  const rows = around.filter((passage) => passage.heading === heading).flatMap(readStatements);
  return rows.map(read).filter(isRecord);
}

function toRecord(
  subject: Name | null,
  fields: readonly OutputField[],
  { field: list }: Place,
  task: ResearchTask,
  read: (field: OutputField) => Candidate[],
): FoundRecord {
  const candidates: Candidate[] = [];
  const entries = fields.map((field): [string, unknown] => {
    const isLabel =
      subject !== null &&
      field.shape.kind === "string" &&
      (isGivenField(field, task) ||
        field.name === "name" ||
        keysOf(list.name).some((key) => keysOf(field.name).includes(key)));
    if (isLabel) return [field.name, subject.text];
    const [chosen] = read(field);
    if (chosen !== undefined) candidates.push(chosen);
    return [field.name, chosen?.value ?? null];
  });
  return { name: subject?.text ?? null, value: Object.fromEntries(entries), candidates };
}
