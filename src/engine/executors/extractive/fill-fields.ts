import type { JsonOutput } from "../../../task-api/output.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { JsonObject } from "../../../task-api/task-spec.ts";
import type { PassageSearch } from "../../sources/source.ts";
import { splitIdentifier } from "../../sources/text/words.ts";
import { conformToSchema, type EmptyPlace } from "../../research/conforming-value.ts";
import type { ReadingBudget } from "../../research/budgets.ts";
import type { ReadingObserver } from "../../research/reading-progress.ts";
import { type Evidence, findEvidence } from "./find-evidence.ts";
import type { OutputField } from "../../research/output-fields.ts";
import { readQuestion } from "./question.ts";
import type { ReadingTime } from "../../research/reading-time.ts";
import type { ResearchTask } from "./research-task.ts";
import { extractValue } from "./extract-value.ts";
import type { WeightedQuestion } from "./weigh-question.ts";
import { citeSources, describeBasis } from "../../research/citations.ts";
import { REASONING } from "./write-answer.ts";

export interface FillOptions {
  task: ResearchTask;
  search: PassageSearch;
  budget: ReadingBudget;
  /** When the time is over, the remaining fields are left empty. */
  time: ReadingTime;
  /** Called before each field's search, with the words that are searched for. */
  beginSearch(query: string): Promise<ReadingObserver>;
}

/** A field without a value. */
interface Unfilled {
  /** The path of the field, with the names of the fields around it. */
  path: string;
  wasSearched: boolean;
}

interface Filled {
  value: unknown;
  evidence: Evidence[];
  unfilled: Unfilled[];
}

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
): Promise<{ output: JsonOutput; warnings: RunWarning[] }> {
  const entries: [string, unknown][] = [];
  const basis = [];
  const unfilled: Unfilled[] = [];
  for (const field of fields) {
    const filled = await fillField(field, [], options);
    entries.push([field.name, filled.value]);
    unfilled.push(...filled.unfilled);
    const reasoning = filled.evidence.length > 0 ? REASONING : explainEmpty(filled.unfilled);
    basis.push(describeBasis(field.name, reasoning, citeSources(filled.evidence)));
  }
  const { value: content, empty } = conformToSchema(jsonSchema, Object.fromEntries(entries));
  // A field with a single possible value has it, whatever the documents say.
  const left = unfilled.filter(({ path }) =>
    empty.some((place) => path === place.path || path.startsWith(`${place.path}.`)),
  );
  return { output: { type: "json", content, basis }, warnings: warnAbout(left, empty) };
}

function explainEmpty(unfilled: readonly Unfilled[]): string {
  const problem = unfilled.every(({ wasSearched }) => wasSearched)
    ? "no sentence of the documents states a fitting value"
    : "the time of the run was over before the documents were searched for a value";
  return `extractive: ${problem}; no model was used.`;
}

async function fillField(
  field: OutputField,
  parents: readonly string[],
  options: FillOptions,
): Promise<Filled> {
  const { shape } = field;
  if (shape.kind !== "object" && options.time.isOver()) {
    return leaveEmpty(field, parents, false);
  }
  switch (shape.kind) {
    case "object":
      return fillObject(field, shape.fields, parents, options);
    case "array":
      return fillArray(field, shape.items, parents, options);
    case "string":
    case "number":
    case "integer":
    case "boolean": {
      // A value that the input gives is not searched for, only confirmed.
      const isGiven = isGivenField(field, options.task);
      const words = isGiven
        ? { field: "", description: "", hints: [...parents, field.description] }
        : { field: field.name, description: field.description, hints: parents };
      const { question, evidence } = await searchField(field, words, options);
      for (const candidate of evidence) {
        const value = isGiven
          ? extractGiven(field, candidate, options.task)
          : extractValue({ evidence: candidate, field, question, isPartOfRecord: false });
        if (value !== null) return { value, evidence: [candidate], unfilled: [] };
      }
      return leaveEmpty(field, parents, true);
    }
  }
}

async function fillObject(
  field: OutputField,
  fields: readonly OutputField[],
  parents: readonly string[],
  options: FillOptions,
): Promise<Filled> {
  // A map has no field names, so there is nothing to search for.
  if (fields.length === 0) return leaveEmpty(field, parents, true);
  const path = [...parents, field.name];
  const entries: [string, unknown][] = [];
  const evidence: Evidence[] = [];
  const unfilled: Unfilled[] = [];
  for (const child of fields) {
    const filled = await fillField(child, path, options);
    entries.push([child.name, filled.value]);
    evidence.push(...filled.evidence);
    unfilled.push(...filled.unfilled);
  }
  return { value: Object.fromEntries(entries), evidence, unfilled };
}

/** Each relevant sentence or table row gives at most one item. */
async function fillArray(
  field: OutputField,
  items: OutputField,
  parents: readonly string[],
  options: FillOptions,
): Promise<Filled> {
  // The name of a list of records (`economies`) is a label; what must be found are their fields.
  const words =
    items.shape.kind === "object"
      ? {
          field: "",
          description: "",
          hints: [...parents, field, items, ...items.shape.fields].flatMap(describeField),
        }
      : {
          field: field.name,
          description: `${field.description} ${items.description}`,
          hints: parents,
        };
  const { question, evidence } = await searchField(field, words, options);
  const values = new Map<string, { value: unknown; evidence: Evidence }>();
  for (const candidate of evidence) {
    if (values.size === options.budget.items) break;
    const value = readItem(candidate, field, items, question, options.task);
    const key = JSON.stringify(value);
    if (value !== null && !values.has(key)) values.set(key, { value, evidence: candidate });
  }
  const filled = [...values.values()];
  if (filled.length === 0) return leaveEmpty(field, parents, true);
  return {
    value: filled.map((item) => item.value),
    evidence: filled.map((item) => item.evidence),
    unfilled: findGaps(
      [...parents, `${field.name}[]`].join("."),
      items,
      filled.map((item) => item.value),
    ),
  };
}

/** The fields of a list's records that some record lacks. */
function findGaps(path: string, { shape }: OutputField, records: readonly unknown[]): Unfilled[] {
  if (shape.kind !== "object") return [];
  const hasGap = ({ name }: OutputField) =>
    records.some((record) => JsonObject.parse(record)[name] === null);
  return shape.fields
    .filter(hasGap)
    .map(({ name }) => ({ path: `${path}.${name}`, wasSearched: true }));
}

function readItem(
  evidence: Evidence,
  field: OutputField,
  items: OutputField,
  question: WeightedQuestion,
  task: ResearchTask,
): unknown {
  if (items.shape.kind !== "object") {
    const named = { ...items, name: items.name || field.name };
    return extractValue({ evidence, field: named, question, isPartOfRecord: false });
  }
  const entries: [string, unknown][] = [];
  for (const child of items.shape.fields) {
    const isGiven = isGivenField(child, task);
    const value = isGiven
      ? extractGiven(child, evidence, task)
      : extractValue({ evidence, field: child, question, isPartOfRecord: true });
    // It is not clear which of the given subjects the record is about, so it is left out.
    if (isGiven && value === null) return null;
    entries.push([child.name, value]);
  }
  const hasOwnValue = items.shape.fields.some(
    (child, at) => !isGivenField(child, task) && entries[at]?.[1] !== null,
  );
  return hasOwnValue ? Object.fromEntries(entries) : null;
}

/** A field that is named like a value of the input repeats that value, where the evidence is about it. */
function isGivenField({ name, shape }: OutputField, task: ResearchTask): boolean {
  return shape.kind === "string" && task.givenValues(name).length > 0;
}

/** The one given value that the title or heading names, or else the one that the sentence names. */
function extractGiven(field: OutputField, evidence: Evidence, task: ResearchTask): string | null {
  for (const text of [evidence.context, evidence.sentence]) {
    const named = task.givenValues(field.name).filter((value) => text.includes(value));
    if (named.length > 0) return named.length === 1 ? (named[0] ?? null) : null;
  }
  return null;
}

function describeField(field: OutputField | string): string[] {
  return typeof field === "string" ? [field] : [field.name, field.description];
}

async function searchField(
  field: OutputField,
  words: { field: string; description: string; hints: readonly string[] },
  { task, search, budget, time, beginSearch }: FillOptions,
): Promise<{ question: WeightedQuestion; evidence: Evidence[] }> {
  const question = readQuestion({
    asked: task.asked,
    ...words,
    hints: [...words.hints, ...task.hints],
  });
  const observer = await beginSearch([...task.asked, splitIdentifier(field.name)].join(" "));
  return findEvidence(question, search, budget, observer, time);
}

function leaveEmpty(field: OutputField, parents: readonly string[], wasSearched: boolean): Filled {
  const path = [...parents, field.name].join(".");
  return { value: null, evidence: [], unfilled: [{ path, wasSearched }] };
}

function warnAbout(unfilled: readonly Unfilled[], empty: readonly EmptyPlace[]): RunWarning[] {
  const searched = unfilled.filter(({ wasSearched }) => wasSearched);
  const skipped = unfilled.filter(({ wasSearched }) => !wasSearched);
  const against = empty.filter(({ conforms }) => !conforms);
  return [
    ...warnOf("The documents state no fitting value for", searched, "left empty"),
    ...warnOf("There was no time left to look for", skipped, "left empty"),
    ...warnOf("The output schema admits no empty value for", against, "it does not conform there"),
  ];
}

function warnOf(
  problem: string,
  places: readonly { path: string }[],
  consequence: string,
): RunWarning[] {
  if (places.length === 0) return [];
  const fields = places.map(({ path }) => path);
  const message = `${problem} ${fields.join(", ")}; ${consequence}.`;
  return [{ type: "warning", message, detail: { fields } }];
}
