import type { JsonOutput } from "../../../task-api/output.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import type { Ranking } from "../../sources/source.ts";
import { readWords, splitIdentifier } from "../../sources/text/words.ts";
import { describeBasis } from "../../research/citations.ts";
import { conformToSchema, type EmptyPlace } from "../../research/conforming-value.ts";
import type { OutputField } from "../../research/output-fields.ts";
import { type Candidate, extractValues } from "./extract-value.ts";
import { wantField } from "./wanted-field.ts";
import {
  cite,
  FILLED,
  type Filled,
  type FillOptions,
  leaveEmpty,
  type Place,
  type Unfilled,
} from "./filled-field.ts";
import {
  choose,
  hintsOf,
  isGivenField,
  MAX_RECORDS,
  PASSAGES,
  recordsOfRows,
  recordsOfSeries,
  statementsOf,
} from "./find-records.ts";
import type { ResearchTask } from "./research-task.ts";
import { isNamed, keysOf, readSubject, type Subject } from "./statements.ts";

/** How many searches filling these fields takes: one for each value and each list. */
export function countSearches(fields: readonly OutputField[]): number {
  return fields.reduce(
    (count, { shape }) => count + (shape.kind === "object" ? countSearches(shape.fields) : 1),
    0,
  );
}

/** Fills every field for which a document states exactly one fitting value; the others stay empty, with a warning. */
export async function fillFields(
  fields: readonly OutputField[],
  jsonSchema: JsonObject,
  options: FillOptions,
): Promise<{ output: JsonOutput; warnings: RunWarning[]; filled: number }> {
  const { value, basis, unfilled, missing } = await fillObject(
    fields,
    { path: [], hints: [], parents: [] },
    options,
  );
  const { value: content, empty } = conformToSchema(jsonSchema, value);
  // A field with a single possible value has it, whatever the documents say.
  const left = unfilled.filter(({ path }) =>
    empty.some((place) => path === place.path || path.startsWith(`${place.path}.`)),
  );
  return {
    output: { type: "json", content, basis },
    warnings: warnAbout(left, empty, missing),
    filled: basis.filter(({ reasoning }) => reasoning === FILLED).length,
  };
}

async function fillObject(
  fields: readonly OutputField[],
  { path, hints, parents }: Omit<Place, "field">,
  options: FillOptions,
): Promise<Filled & { value: JsonObject }> {
  const entries: [string, unknown][] = [];
  const whole: Filled = { value: null, basis: [], unfilled: [], missing: [] };
  const objects = fields.filter(({ shape }) => shape.kind === "object").length;
  for (const field of fields) {
    const own = objects > 1 && field.shape.kind === "object" ? keysOf(field.name) : [];
    const filled = await fillField(
      { field, path: [...path, field.name], hints, parents: [...parents, ...own] },
      options,
    );
    entries.push([field.name, filled.value]);
    whole.basis.push(...filled.basis);
    whole.unfilled.push(...filled.unfilled);
    whole.missing.push(...filled.missing);
  }
  return { ...whole, value: Object.fromEntries(entries) };
}

async function fillField(place: Place, options: FillOptions): Promise<Filled> {
  const { field, path, hints } = place;
  const { shape } = field;
  if (shape.kind === "object" && shape.fields.length > 0) {
    const around = [...hints, field.name, field.description];
    return fillObject(shape.fields, { ...place, path, hints: around }, options);
  }
  if (options.time.isOver()) return leaveEmpty(place, null);
  const ranking = await searchField(place, options);
  // A map has no field names, so there is nothing to look for.
  if (shape.kind === "object") return leaveEmpty(place, ranking);
  if (isGivenField(field, options.task)) return confirmGiven(place, ranking, options.task);
  const subject = subjectOf(place, ranking, options.task.asked);
  if (shape.kind === "array" && shape.items.shape.kind === "object") {
    return fillRecords(place, shape.items.shape.fields, subject, ranking, options);
  }
  const wanted = wantField(field, place.parents, hintsOf(place), subject, options.task.asked);
  const candidates = statementsOf(ranking).flatMap((statement) => extractValues(statement, wanted));
  const chosen =
    shape.kind === "array" ? chooseList(candidates, subject) : choose(candidates, wanted);
  if (chosen.length === 0) return leaveEmpty(place, ranking);
  return {
    value: shape.kind === "array" ? chosen.flatMap(({ value }) => value) : chosen[0]?.value,
    basis: [describeBasis(path.join("."), FILLED, cite(chosen))],
    unfilled: [],
    missing: [],
  };
}

/** The one list, or the rows that each have an item of it. */
function chooseList(candidates: readonly Candidate[], { names }: Subject): Candidate[] {
  const top = Math.max(0, ...candidates.map(({ strength }) => strength));
  const best = candidates.filter(({ strength }) => strength === top);
  const [first] = best;
  if (first === undefined) return [];
  const texts = new Map(best.map((candidate) => [JSON.stringify(candidate.value), candidate]));
  if (texts.size === 1) return [first];
  const isItem = ({ statement: { passage, heading, text } }: Candidate) =>
    passage.document.id === first.statement.passage.document.id &&
    heading === first.statement.heading &&
    names.length > 0 &&
    !names.some((name) => isNamed(name, text));
  return top === 4 && best.every(isItem) ? [...texts.values()] : [];
}

/** One record for each subject that the question enumerates, else one for each row of the table that fits best. */
async function fillRecords(
  place: Place,
  fields: readonly OutputField[],
  subject: Subject,
  ranking: Ranking,
  options: FillOptions,
): Promise<Filled> {
  const records =
    subject.series.length > 0
      ? await recordsOfSeries(place, fields, subject, options)
      : await recordsOfRows(place, fields, subject, ranking, options);
  const full = records.filter(({ candidates }) => candidates.length > 0).slice(0, MAX_RECORDS);
  if (full.length === 0) return leaveEmpty(place, ranking);
  const path = place.path.join(".");
  const gaps = fields.filter(({ name }) => full.some(({ value }) => value[name] === null));
  return {
    value: full.map(({ value }) => value),
    basis: full.map(({ candidates }, at) =>
      describeBasis(`${path}.${at}`, FILLED, cite(candidates)),
    ),
    unfilled: gaps.map(({ name }) => ({ path: `${path}[].${name}`, wasSearched: true })),
    missing: records.flatMap(({ name, candidates }) =>
      candidates.length === 0 && name !== null ? [name] : [],
    ),
  };
}

function confirmGiven(place: Place, ranking: Ranking, task: ResearchTask): Filled {
  const [value, ...others] = task.givenValues(place.field.name);
  const statement = statementsOf(ranking).find(
    ({ text, context }) => value !== undefined && `${context}\n${text}`.includes(value),
  );
  if (statement === undefined || others.length > 0) return leaveEmpty(place, ranking);
  const basis = describeBasis(place.path.join("."), FILLED, cite([{ statement }]));
  return { value, basis: [basis], unfilled: [], missing: [] };
}

async function searchField(
  { field, hints }: Place,
  { task, search, beginSearch }: FillOptions,
): Promise<Ranking> {
  const children =
    field.shape.kind === "array" && field.shape.items.shape.kind === "object"
      ? field.shape.items.shape.fields
      : [];
  const words = [field, ...children].flatMap(({ name, description }) => [
    splitIdentifier(name),
    description,
  ]);
  const observer = await beginSearch([...task.asked, splitIdentifier(field.name)].join(" "));
  const query = {
    text: task.asked.join("\n"),
    hints: [...words, ...hints.map(splitIdentifier), ...task.hints].join(" "),
  };
  const ranking = await search.search(query, PASSAGES);
  observer.matched(ranking.documentIds);
  const documents = [
    ...new Map(ranking.passages.map(({ document }) => [document.id, document])).values(),
  ];
  for (const [at, document] of documents.entries())
    await observer.read(document, (at + 1) / documents.length);
  return ranking;
}

function subjectOf(
  { field, hints }: Place,
  { terms, passages }: Ranking,
  asked: readonly string[],
): Subject {
  const own = [field.name, ...hints].flatMap(keysOf);
  const titles = passages.map(
    ({ document, heading }) => readWords(`${document.title}\n${heading}`).spellings,
  );
  return readSubject(asked, terms, own, (word) => titles.some((spellings) => spellings.has(word)));
}

function warnAbout(
  unfilled: readonly Unfilled[],
  empty: readonly EmptyPlace[],
  missing: readonly string[],
): RunWarning[] {
  const paths = (places: readonly { path: string }[]) => places.map(({ path }) => path);
  const searched = unfilled.filter(({ wasSearched }) => wasSearched);
  const skipped = unfilled.filter(({ wasSearched }) => !wasSearched);
  const against = empty.filter(({ conforms }) => !conforms);
  return [
    ...warnOf("The documents state no fitting value for", paths(searched), "left empty"),
    ...warnOf("The documents state nothing fitting about", missing, "left out of the list"),
    ...warnOf("There was no time left to look for", paths(skipped), "left empty"),
    ...warnOf(
      "The output schema admits no empty value for",
      paths(against),
      "it does not conform there",
    ),
  ];
}

function warnOf(problem: string, fields: readonly string[], consequence: string): RunWarning[] {
  if (fields.length === 0) return [];
  const message = `${problem} ${fields.join(", ")}; ${consequence}.`;
  return [{ type: "warning", message, detail: { fields } }];
}
