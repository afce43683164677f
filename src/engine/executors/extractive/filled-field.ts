import type { FieldBasis } from "../../../task-api/output.ts";
import type { PassageSearch, Ranking } from "../../sources/source.ts";
import { citedUrl } from "../../sources/place.ts";
import { citeSources, describeBasis } from "../../research/citations.ts";
import type { OutputField } from "../../research/output-fields.ts";
import type { ReadingObserver } from "../../research/reading-progress.ts";
import type { ReadingTime } from "../../research/reading-time.ts";
import { closestWindow } from "./closest-window.ts";
import type { Candidate } from "./extract-value.ts";
import type { ResearchTask } from "./research-task.ts";
import { keysOf } from "./statements.ts";

export interface FillOptions {
  task: ResearchTask;
  search: PassageSearch;
  /** When the time is over, the remaining fields are left empty. */
  time: ReadingTime;
  /** Called before each field's search, with the words that are searched for. */
  beginSearch(query: string): Promise<ReadingObserver>;
}

/** Stands with every value, so that matching words are not taken for understanding. */
export const FILLED =
  "extractive: the value stands in a cell that the field names, or in a clause with its words and its subject; no model was used.";
const EMPTY =
  "extractive: no cell and no clause states this value of this subject, so it was left empty. The closest passage is cited: read it, it may state the value in other words. No model was used.";
const NOTHING_FOUND = "extractive: no passage has the words of the question; no model was used.";
const NO_TIME =
  "extractive: the time of the run was over before the documents were searched for a value; no model was used.";

/** A field without a value. */
export interface Unfilled {
  /** The path of the field, with the names of the fields around it. */
  path: string;
  wasSearched: boolean;
}

export interface Filled {
  value: unknown;
  basis: FieldBasis[];
  unfilled: Unfilled[];
  /** Subjects of which a list has no record. */
  missing: string[];
}

/** A field and where it stands. */
export interface Place {
  field: OutputField;
  path: readonly string[];
  /** The words of the fields around it. */
  hints: readonly string[];
  /** Those of `hints` without which it could be a field of a sibling. */
  parents: readonly string[];
}

/** The statements, each with its document. */
export function cite(found: readonly Pick<Candidate, "statement">[]) {
  return citeSources(
    found.map(({ statement: { text, passage } }) => ({
      sentence: text,
      document: {
        title: passage.document.title,
        url: citedUrl(passage.document.url, passage.place),
      },
    })),
  );
}

/** No value, and for the reader the passage that is closest to one. Without a ranking there was no time to search. */
export function leaveEmpty({ field, path, hints }: Place, ranking: Ranking | null): Filled {
  const at = path.join(".");
  const window =
    ranking && closestWindow(ranking, [field.name, field.description, ...hints].flatMap(keysOf));
  const reasoning = ranking === null ? NO_TIME : window === null ? NOTHING_FOUND : EMPTY;
  return {
    value: null,
    basis: [describeBasis(at, reasoning, window === null ? [] : cite([{ statement: window }]))],
    unfilled: [{ path: at, wasSearched: ranking !== null }],
    missing: [],
  };
}
