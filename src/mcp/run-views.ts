import { z } from "zod";
import type { RunSnapshot } from "../client/follower.ts";
import type { FieldBasis, RunOutput } from "../task-api/output.ts";
import { JsonObject } from "../task-api/task-spec.ts";
import { FieldNotFound, InvalidArguments } from "./argument-problems.ts";
import { oneLine, pageText } from "./page-text.ts";
import type { KeyCitation, RunFacts } from "./run-report.ts";

/** What of a run to read. */
export const RunView = z.enum(["auto", "status", "output", "basis", "events"]);
export type RunView = z.infer<typeof RunView>;

/** Weights (see `pageText`) that keep a report under 35,000 characters over both its channels. */
const ViewBudget = {
  /** One page of an output, a basis or events. */
  page: 13_000,
  /** The same next to the citations. */
  pageWithCitations: 10_000,
  citations: 3_000,
  /** A sentence or two: enough to judge whether the citation carries the claim. */
  excerpt: 300,
  title: 120,
  url: 400,
  field: 60,
} as const;

/** Where in a run to read. */
export interface ReadingPlace {
  /** A dotted path such as `companies.0.revenue`; undefined for all of it. */
  field: string | undefined;
  /** The first character to show. */
  offset: number;
}

/** The answer, and the citations that carry it. */
export function viewAnswer(output: RunOutput): RunFacts {
  const { citations, total } = keyCitations(output.basis);
  return {
    ...viewOutput(output, { field: undefined, offset: 0 }, ViewBudget.pageWithCitations),
    citations,
    citations_total: total,
  };
}

/** The output or one field of it. Throws `InvalidArguments` and `FieldNotFound`. */
export function viewOutput(
  output: RunOutput,
  place: ReadingPlace,
  budget: number = ViewBudget.page,
): RunFacts {
  const { shown, cut } = readPage(pickField(output, place.field), place.offset, budget);
  return { output_type: output.type, output: shown, ...cut };
}

/** Reasoning, citations and confidence of every field, or of one and what is inside it. Throws the same. */
export function viewBasis(output: RunOutput, { field, offset }: ReadingPlace): RunFacts {
  const entries =
    field === undefined
      ? output.basis
      : output.basis.filter(
          (entry) => entry.field === field || entry.field.startsWith(`${field}.`),
        );
  if (field !== undefined && entries.length === 0) {
    throw new FieldNotFound(
      field,
      output.basis.map((entry) => entry.field),
    );
  }
  const { shown, cut } = readPage(entries, offset, ViewBudget.page);
  return { basis: shown, ...cut };
}

/** What the run reported, the newest first. Throws `InvalidArguments`. */
export function viewEvents({ messages }: RunSnapshot, { offset }: ReadingPlace): RunFacts {
  const { shown, cut } = readPage(messages.toReversed(), offset, ViewBudget.page);
  return { events: shown, ...cut };
}

/** How a value reads as text: strings as they are, everything else as indented JSON. */
export function documentText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The value itself when it fits a page, else a slice of its text and where to read on. */
function readPage(
  value: unknown,
  offset: number,
  budget: number,
): { shown: unknown; cut: Pick<RunFacts, "cut"> } {
  const text = documentText(value);
  if (offset > 0 && offset >= text.length) {
    throw new InvalidArguments([
      { argument: "offset", fix: `the text has ${text.length} characters; write a smaller number` },
    ]);
  }
  const page = pageText(text, offset, budget);
  if (page.offset === 0 && page.nextOffset === null) return { shown: value, cut: {} };
  return {
    shown: page.text,
    cut: {
      cut: {
        offset: page.offset,
        ...(page.nextOffset === null ? {} : { next_offset: page.nextOffset }),
        total_chars: page.totalChars,
      },
    },
  };
}

function pickField(output: RunOutput, field: string | undefined): unknown {
  if (field === undefined) return output.content;
  // The basis calls the one field of a text `output`.
  if (output.type === "text") {
    if (field === "output") return output.content;
    throw new FieldNotFound(field, ["output"]);
  }
  // A name may itself hold a dot, so the whole path is tried first.
  if (Object.hasOwn(output.content, field)) return output.content[field];
  let value: unknown = output.content;
  for (const name of field.split(".")) {
    const inside = Array.isArray(value)
      ? new Map(value.map((item, index) => [String(index), item]))
      : new Map(Object.entries(JsonObject.catch({}).parse(value)));
    if (!inside.has(name)) throw new FieldNotFound(field, Object.keys(output.content));
    value = inside.get(name);
  }
  return value;
}

/** The first citation of every field, each page once, as many as fit; and how many the basis has in all. */
function keyCitations(basis: readonly FieldBasis[]): { citations: KeyCitation[]; total: number } {
  const citations: KeyCitation[] = [];
  const seen = new Set<string>();
  let left: number = ViewBudget.citations;
  let total = 0;
  // Round by round, so that every field is heard before one is heard twice.
  const most = Math.max(0, ...basis.map((entry) => entry.citations?.length ?? 0));
  for (let round = 0; round < most; round += 1) {
    for (const { field, citations: ofField } of basis) {
      const citation = ofField?.[round];
      if (citation === undefined) continue;
      total += 1;
      if (seen.has(citation.url)) continue;
      seen.add(citation.url);
      const short: KeyCitation = {
        field: oneLine(field, ViewBudget.field),
        url: oneLine(citation.url, ViewBudget.url),
        ...(citation.title ? { title: oneLine(citation.title, ViewBudget.title) } : {}),
        ...(citation.excerpts?.[0]
          ? { excerpt: oneLine(citation.excerpts[0], ViewBudget.excerpt) }
          : {}),
      };
      left -= Buffer.byteLength(JSON.stringify(short));
      if (left >= 0) citations.push(short);
    }
  }
  return { citations, total };
}
