import type { FieldBasis, JsonOutput } from "../../../task-api/output.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import { citeSources, describeBasis } from "../../research/citations.ts";
import { conformToSchema } from "../../research/conforming-value.ts";
import type { EvidencePassage } from "../../research/evidence-store.ts";
import type { OutputField } from "../../research/output-fields.ts";
import type { ReadingObserver } from "../../research/reading-progress.ts";
import type { ReadingTime } from "../../research/reading-time.ts";
import { citedUrl } from "../../sources/place.ts";
import type { DocumentPassage, PassageSearch, Ranking } from "../../sources/source.ts";
import { splitIdentifier } from "../../sources/text/words.ts";
import { cutWindows } from "./cut-windows.ts";
import { type Candidate, readCandidate, wantField } from "./read-value.ts";
import type { ResearchTask } from "../documents/research-task.ts";
import { weighWords } from "./score-sentence.ts";
import {
  haveAll,
  keysOf,
  namesOfSeries,
  readStatements,
  readSubject,
  type Statement,
  type AskedSubject,
} from "./statements.ts";

export interface FillOptions {
  task: ResearchTask;
  search: PassageSearch;
  /** When the time is over, the remaining fields are left empty. */
  time: ReadingTime;
  /** Called before each search, with the words that are searched for. */
  beginSearch(query: string): Promise<ReadingObserver>;
  /** Keeps what the basis shows in the evidence of the run. */
  keep(shown: readonly DocumentPassage[]): Promise<EvidencePassage[]>;
}

/** Stands with every value, so that matching words are not taken for understanding. */
const FILLED =
  "extractive: the value stands in a cell that the field names, or in a clause with its words and its subject; no model was used.";
const NOTHING_FOUND = "extractive: no passage has the words of the question; no model was used.";
const NO_TIME =
  "extractive: the time of the run was over before the documents were searched for a value; no model was used.";
const describeEmpty = (id: string) =>
  `extractive: no cell and no clause states this value of this subject, so it was left empty. The closest passage is cited (closest: ${id}): read it, it may state the value in other words. No model was used.`;

/** The same for every processor: one that reads further may find another value, not a better one. */
const PASSAGES = 40;
/** The best passages are enough: a window of another would be further from the question. */
const CLOSEST_PASSAGES = 5;
/** Around the passage of a table that was found, its others are read. */
const TABLE_PASSAGES = 40;
const MAX_RECORDS = 100;

/** Fields that one search is for: the values of an object, or those of a list's records. */
interface Part {
  path: readonly string[];
  fields: readonly OutputField[];
  isList: boolean;
}

/** The parts of an output, each of which is searched for once. */
export function partsOf(fields: readonly OutputField[], path: readonly string[] = []): Part[] {
  const values: OutputField[] = [];
  const nested = fields.flatMap((field): Part[] => {
    const { name, shape } = field;
    const at = [...path, name];
    if (shape.kind === "object" && shape.fields.length > 0) return partsOf(shape.fields, at);
    if (shape.kind === "array" && shape.items.shape.kind === "object")
      return [{ path: at, fields: shape.items.shape.fields, isList: true }];
    values.push(field);
    return [];
  });
  return values.length > 0 ? [{ path, fields: values, isList: false }, ...nested] : nested;
}

/** What was found for a part. */
interface Found {
  ranking: Ranking;
  statements: readonly Statement[];
  subject: AskedSubject;
  parents: readonly string[];
}

/** What the basis says of a path: where its value stands, or, without one, the closest text. */
interface Entry {
  path: string;
  state: "filled" | "empty" | "not searched";
  shown: readonly Pick<Statement, "text" | "passage">[];
}

/** Fills every field for which a document states exactly one fitting value; the others stay empty, with a warning. */
export async function fillFields(
  fields: readonly OutputField[],
  jsonSchema: JsonObject,
  options: FillOptions,
): Promise<{ output: JsonOutput; warnings: RunWarning[]; filled: number }> {
  const values = new Map<string, unknown>();
  const entries: Entry[] = [];
  const missing: string[] = [];
  for (const part of partsOf(fields)) {
    const found = options.time.isOver() ? null : await findFor(part, options);
    if (part.isList && found !== null) {
      const list = await readRecords(part, found, options);
      values.set(pathOf(part.path), list.values);
      entries.push(...list.entries);
      missing.push(...list.missing);
      if (list.entries.length > 0) continue;
    }
    const paths = part.isList ? [part.path] : part.fields.map(({ name }) => [...part.path, name]);
    for (const [index, path] of paths.entries()) {
      const field = part.fields[index];
      const chosen = found && !part.isList && field ? choose(field, found, options.task) : null;
      values.set(pathOf(path), values.get(pathOf(path)) ?? chosen?.value ?? null);
      const closest = found && chosen === null && findClosest(found, field, options);
      entries.push({
        path: pathOf(path),
        state: found === null ? "not searched" : chosen === null ? "empty" : "filled",
        shown: chosen ? [chosen.statement] : closest ? [closest] : [],
      });
    }
  }
  const { value: content, empty } = conformToSchema(jsonSchema, assemble(fields, [], values));
  const unsearched = entries.flatMap(({ state, path }) => (state === "not searched" ? [path] : []));
  const isIn = (path: string, paths: readonly string[]) =>
    paths.some((one) => one === path || one.startsWith(`${path}.`));
  const paths = empty.map(({ path }) => path);
  const against = empty.filter(({ conforms }) => !conforms).map(({ path }) => path);
  return {
    output: { type: "json", content, basis: await describe(entries, options) },
    warnings: [
      ...warnOf(
        "No value found for",
        paths.filter((path) => !isIn(path, unsearched)),
        "left empty",
      ),
      ...warnOf("Nothing fitting was found about", missing, "left out of the list"),
      ...warnOf("There was no time left to look for", unsearched, "left empty"),
      ...warnOf(
        "The output schema admits no empty value for",
        against,
        "it does not conform there",
      ),
    ],
    filled: entries.filter(({ state }) => state === "filled").length,
  };
}

function pathOf(path: readonly string[]): string {
  return path.join(".");
}

function assemble(
  fields: readonly OutputField[],
  path: readonly string[],
  values: ReadonlyMap<string, unknown>,
): JsonObject {
  const entries = fields.map(({ name, shape }): [string, unknown] => {
    const at = [...path, name];
    const isObject = shape.kind === "object" && shape.fields.length > 0;
    return [name, isObject ? assemble(shape.fields, at, values) : values.get(pathOf(at))];
  });
  return Object.fromEntries(entries);
}

async function findFor(
  { path, fields }: Part,
  { task, search, beginSearch }: FillOptions,
): Promise<Found> {
  const names = [...path, ...fields.map(({ name }) => name)].map(splitIdentifier);
  const observer = await beginSearch([...task.asked, ...names].join(" "));
  const hints = [...names, ...fields.map(({ description }) => description), ...task.hints];
  const query = { text: task.asked.join("\n"), hints: hints.join(" ") };
  const ranking = await search.search(query, PASSAGES);
  observer.matched(ranking.documentIds);
  const documents = new Map(ranking.passages.map(({ document }) => [document.id, document]));
  for (const [index, document] of [...documents.values()].entries())
    await observer.read(document, (index + 1) / documents.size);
  const statements = ranking.passages.flatMap(readStatements);
  // A word that no passage has tells no siblings apart.
  const isSaid = (key: string) => statements.some(({ text }) => haveAll([key], text));
  const subject = readSubject(task.asked, ranking.terms, names.flatMap(keysOf));
  return { ranking, statements, subject, parents: path.flatMap(keysOf).filter(isSaid) };
}

function choose(field: OutputField, found: Found, task: ResearchTask): Candidate | null {
  const [given, another] = field.shape.kind === "string" ? task.givenValues(field.name) : [];
  if (given !== undefined) {
    // A field that is named like a value of the input repeats it, where a passage is about it.
    const statement = found.statements.find(({ text, context }) =>
      `${context}\n${text}`.includes(given),
    );
    return statement && another === undefined ? { value: given, statement, strength: 0 } : null;
  }
  const wanted = wantField(field, found.parents, found.subject, task.asked);
  const candidates = found.statements.flatMap((one) => readCandidate(one, wanted) ?? []);
  const said = ({ strength, statement: { text, context } }: Candidate) =>
    strength +
    wanted.others.filter((key) => haveAll([key], text, context)).length /
      (wanted.others.length + 1);
  const rated = candidates.map((candidate) => ({ candidate, rating: said(candidate) }));
  const top = Math.max(...rated.map(({ rating }) => rating));
  const best = rated.flatMap(({ candidate, rating }) => (rating === top ? [candidate] : []));
  const isAgreed = new Set(best.map(({ value }) => JSON.stringify(value))).size === 1;
  return isAgreed ? (best[0] ?? null) : null;
}

/** One record for each name that the question enumerates, else one for each row of the table that fits best. */
async function readRecords(
  { path, fields }: Part,
  found: Found,
  { task, search }: FillOptions,
): Promise<{ values: JsonObject[]; entries: Entry[]; missing: string[] }> {
  const { subject, statements } = found;
  const names = task.asked.flatMap(namesOfSeries);
  const listKeys = keysOf(path.at(-1) ?? "");
  const read = (about: AskedSubject, own: readonly Statement[], name: string | null) => {
    const shown: Statement[] = [];
    const value = fields.map((field): [string, unknown] => {
      const isLabel =
        field.name === "name" ||
        task.givenValues(field.name).length > 0 ||
        keysOf(field.name).some((key) => listKeys.includes(key));
      if (name !== null && isLabel) return [field.name, name];
      const chosen = choose(
        field,
        { ...found, subject: about, statements: own, parents: [] },
        task,
      );
      if (chosen !== null) shown.push(chosen.statement);
      return [field.name, chosen?.value];
    });
    return { name, value: Object.fromEntries(value), shown };
  };
  const ofNames = names.map((name) => {
    const isOther = (word: string) =>
      names.some((one) => one.includes(word)) && !name.includes(word);
    const terms = subject.terms.filter(({ word }) => !isOther(word));
    return read({ ...subject, terms }, statements, name);
  });
  const ofRow = (row: Statement) => {
    const record = read(subject, [row], null);
    return record.shown.length > 1 || record.shown.length === fields.length ? [record] : [];
  };
  const table =
    names.length > 0 ? undefined : statements.find((row) => ofRow(row).length > 0)?.passage;
  const around =
    table &&
    (await search.read(
      table.document,
      table.position - TABLE_PASSAGES,
      table.position + TABLE_PASSAGES,
    ));
  const rows = (around ?? [])
    .filter(({ heading }) => heading === table?.heading)
    .flatMap(readStatements);
  const records = [...ofNames, ...rows.flatMap(ofRow)].slice(0, MAX_RECORDS);
  const full = records.filter(({ shown }) => shown.length > 0);
  return {
    values: full.map(({ value }) => value),
    entries: full.map(({ shown }, index) => ({
      path: `${pathOf(path)}.${index}`,
      state: "filled",
      shown,
    })),
    missing: records.flatMap(({ name, shown }) =>
      name !== null && shown.length === 0 ? [name] : [],
    ),
  };
}

/** The window that has most of the question and of the field; undefined where no passage has a word of the question. */
function findClosest(
  { ranking: { terms, passages } }: Found,
  field: OutputField | undefined,
  { task, search }: FillOptions,
) {
  const usual = terms.reduce((sum, { weight }) => sum + weight, 0) / terms.length;
  const ofField = keysOf(`${field?.name} ${field?.description}`).map((key) => ({
    word: key,
    weight: usual,
    passages: 1,
    isIn: (text: string) => haveAll([key], text),
  }));
  const question = weighWords(task.asked.join("\n"), [...terms, ...ofField], search.passageCount);
  return passages
    .slice(0, CLOSEST_PASSAGES)
    .flatMap((passage) => cutWindows(passage, question))
    .filter(({ words }) => words.some((word) => terms.includes(word)))
    .toSorted((a, b) => b.coverage - a.coverage)[0];
}

async function describe(entries: readonly Entry[], { keep }: FillOptions): Promise<FieldBasis[]> {
  const passages = [
    ...new Set(entries.flatMap(({ shown }) => shown.map(({ passage }) => passage))),
  ];
  const kept = passages.length === 0 ? [] : await keep(passages);
  return entries.map(({ path, shown, state }) => {
    const quotes = shown.map(({ text, passage: { document, place } }) => ({
      sentence: text,
      document: { title: document.title, url: citedUrl(document.url, place) },
    }));
    const [closest] = shown;
    const id = closest && kept[passages.indexOf(closest.passage)]?.id;
    const empty = id === undefined ? NOTHING_FOUND : describeEmpty(id);
    const reasoning = { filled: FILLED, empty, "not searched": NO_TIME }[state];
    return describeBasis(path, reasoning, citeSources(quotes));
  });
}

function warnOf(problem: string, fields: readonly string[], consequence: string): RunWarning[] {
  if (fields.length === 0) return [];
  const message = `${problem} ${fields.join(", ")}; ${consequence}.`;
  return [{ type: "warning", message, detail: { fields } }];
}
