import { z } from "zod";
import type { RunSnapshot } from "../../../client/follow/snapshots.ts";
import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { InvalidArguments, PlaceNotFound } from "../../arguments/argument-problems.ts";
import { shownJson, timeText } from "../phrases.ts";
import { keyCitations } from "./key-citations.ts";
import { outlineOf } from "./outline.ts";
import { pageItems } from "./page-items.ts";
import { oneLine, pageText } from "./page-text.ts";
import type { RunFacts } from "../run-report.ts";
import { findSections, pickSection } from "./sections.ts";

/** What of a run to read. */
export const RunView = z.enum(["auto", "status", "output", "basis", "events"]);
export type RunView = z.infer<typeof RunView>;

/** Weights (see `pageText`) that keep a report under 35,000 characters over both its channels. */
const ViewBudget = {
  /** One page of an output, a basis or events. */
  page: 13_000,
  /** The same next to the citations. */
  pageWithCitations: 10_000,
  /** Steps, next to every warning in full. */
  steps: 7_000,
  /** Taken off the page that it stands next to. */
  outline: 2_500,
  /** What `auto` shows of a text with an outline: a summary's length. Then one page of `output` holds most of the rest. */
  beginning: 2_000,
  url: 400,
  /** Of one citation or one field's reasoning in the basis. */
  evidence: 4_000,
} as const;

/** Where in a run to read. */
export interface ReadingPlace {
  /** A dotted path such as `companies.0.revenue`; undefined for all of it. */
  field: string | undefined;
  /** A heading of a Markdown text; undefined for all of it. */
  section: string | undefined;
  /** Of a basis: only the fields of this confidence. */
  confidence: string | undefined;
  /** The first character (or, of a basis or events, item) to show. */
  offset: number;
}

/** The answer, and the citations that carry it: those that the answer itself does not show. */
export function viewAnswer(output: RunOutput, place: ReadingPlace): RunFacts {
  const view = viewOutput(output, place, ViewBudget.pageWithCitations, ViewBudget.beginning);
  const shown = documentText(view.output);
  return { ...view, ...keyCitations(output.basis, shown, view.outline !== undefined) };
}

/**
 * The output, one field of it, or one section of a text. A text that does not fit a page comes with its outline. Throws
 * `InvalidArguments` and `PlaceNotFound`.
 */
export function viewOutput(
  output: RunOutput,
  place: ReadingPlace,
  budget: number = ViewBudget.page,
  besideOutline: number = budget - ViewBudget.outline,
): RunFacts {
  const value = pickField(output, place.field);
  if (typeof value !== "string") {
    if (place.section !== undefined) {
      throw new InvalidArguments([
        { argument: "section", fix: "only text has sections; use field for this output" },
      ]);
    }
    const page = viewText(value, documentText(value), place.offset, budget);
    // Of a whole output its form tells the type.
    return page.cut === undefined ? page : { output_type: output.type, ...page };
  }
  const text = place.section === undefined ? value : sectionOf(value, place.section);
  const whole = viewText(text, text, place.offset, budget);
  if (whole.cut === undefined) return whole;
  const cut = { output_type: output.type, ...whole };
  // Those who read on know their way already.
  if (place.offset > 0) return cut;
  const inner = findSections(text).filter(({ start }) => place.section === undefined || start > 0);
  const outline = outlineOf(inner, ViewBudget.outline);
  if (outline.length === 0) return cut;
  return { ...cut, outline, ...viewText(text, text, place.offset, besideOutline) };
}

/**
 * Reasoning, citations and confidence of every field, or of one and what is inside it. Of a field that has no evidence of
 * its own, that of the nearest field around it. Throws the same.
 */
export function viewBasis(output: RunOutput, place: ReadingPlace): RunFacts {
  const { field, confidence, offset } = place;
  const { entries: ofField, note } = evidenceAbout(output, field);
  const entries =
    confidence === undefined
      ? ofField
      : ofField.filter((entry) => entry.confidence?.toLowerCase() === confidence);
  const { items, cut } = pageItems(entries.flatMap(evidenceOf), offset, {
    budget: ViewBudget.page,
    unit: "citations",
  });
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(ofField.length > 0 && entries.length === 0
      ? [`No field has ${confidence} confidence.`]
      : []),
  ];
  return {
    ...(notes.length > 0 && { notes }),
    ...(items.length > 0 && { basis: byField(items) }),
    ...(cut && { cut }),
  };
}

/** The evidence of a field and of what is inside it, else of the nearest field around it; and what to say about that. */
function evidenceAbout(
  { basis, ...output }: RunOutput,
  field: string | undefined,
): { entries: FieldBasis[]; note?: string } {
  if (field === undefined) return { entries: basis };
  const own = basis.filter((entry) => entry.field === field || entry.field.startsWith(`${field}.`));
  if (own.length > 0) return { entries: own };
  pickField({ basis, ...output }, field);
  const shown = oneLine(field, ViewBudget.url);
  for (let end = field.lastIndexOf("."); end > 0; end = field.lastIndexOf(".", end - 1)) {
    const around = field.slice(0, end);
    const entries = basis.filter((entry) => entry.field === around);
    if (entries.length === 0) continue;
    return { entries, note: `Evidence for ${oneLine(around, ViewBudget.url)} covers ${shown}.` };
  }
  return { entries: [], note: `No evidence is recorded for ${shown}.` };
}

/** What the run reported, the newest first. Throws `InvalidArguments`. */
export function viewEvents({ messages }: RunSnapshot, { offset }: ReadingPlace): RunFacts {
  const steps = messages.toReversed().map(({ timestamp, ...step }) => ({
    ...step,
    timestamp: timestamp === null ? null : timeText(timestamp),
  }));
  const { items, cut } = pageItems(steps, offset, {
    budget: ViewBudget.steps,
    unit: "steps",
  });
  return { events: items, ...(cut && { cut }) };
}

/** How a value reads as text: strings as they are, everything else as indented JSON. */
export function documentText(value: unknown): string {
  return typeof value === "string" ? value : shownJson(value, 2);
}

/** The value itself when its text fits a page, else a slice of the text and where to read on. */
function viewText(
  value: unknown,
  text: string,
  offset: number,
  budget: number,
): Pick<RunFacts, "output" | "cut"> {
  if (offset > 0 && offset >= text.length) {
    throw new InvalidArguments([
      { argument: "offset", fix: `the text has ${text.length} characters; write a smaller number` },
    ]);
  }
  const page = pageText(text, offset, budget);
  if (page.offset === 0 && page.nextOffset === null) return { output: value };
  return {
    output: page.text,
    cut: {
      offset: page.offset,
      ...(page.nextOffset === null ? {} : { next_offset: page.nextOffset }),
      total: page.totalChars,
      unit: "characters",
    },
  };
}

function sectionOf(text: string, asked: string): string {
  const sections = findSections(text);
  const section = pickSection(sections, asked);
  if (section === undefined) {
    const known = sections.map(({ name }) => name);
    throw new PlaceNotFound({ kind: "section", name: asked, known });
  }
  return text.slice(section.start, section.end).trimEnd();
}

/** A field by its dotted path; undefined: all. Throws `PlaceNotFound`. */
export function pickField(output: RunOutput, field: string | undefined): unknown {
  if (field === undefined) return output.content;
  const notFound = (known: string[], inside: readonly string[] = []) =>
    new PlaceNotFound({
      kind: "field",
      name: field,
      known,
      ...(inside.length > 0 && { inside: inside.join(".") }),
    });
  // The basis calls the one field of a text `output`.
  if (output.type === "text") {
    if (field === "output") return output.content;
    throw notFound(["output"]);
  }
  // A name may itself hold a dot, so the whole path is tried first.
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

interface Evidence {
  /** The field, with what is said about it as a whole where that is shown. */
  claim: JsonObject;
  citation: JsonObject | null;
}

/** A field's evidence, a citation at a time, so that a page can end between any two. */
function evidenceOf({ field, reasoning, confidence, citations }: FieldBasis): Evidence[] {
  const claim = {
    field,
    ...(confidence ? { confidence } : {}),
    ...(reasoning ? { reasoning: bounded(reasoning) } : {}),
  };
  const [first, ...others] = citations ?? [];
  if (first === undefined) return [{ claim, citation: null }];
  return [
    { claim, citation: citationOf(first) },
    ...others.map((citation) => ({ claim: { field }, citation: citationOf(citation) })),
  ];
}

/** What of the evidence stands on one page, put together again. */
function byField(items: readonly Evidence[]): JsonObject[] {
  const entries: { claim: JsonObject; citations: JsonObject[] }[] = [];
  for (const { claim, citation } of items) {
    const last = entries.at(-1);
    const citations = citation === null ? [] : [citation];
    if (last !== undefined && last.claim["field"] === claim["field"])
      last.citations.push(...citations);
    else entries.push({ claim, citations });
  }
  return entries.map(({ claim, citations }) =>
    citations.length === 0 ? claim : { ...claim, citations },
  );
}

function citationOf({
  url,
  title,
  excerpts,
}: NonNullable<FieldBasis["citations"]>[number]): JsonObject {
  let left: number = ViewBudget.evidence;
  const shown: string[] = [];
  for (const excerpt of excerpts ?? []) {
    if (left <= 0) break;
    const { text } = pageText(excerpt, 0, left);
    left -= Buffer.byteLength(text);
    shown.push(text.length < excerpt.length ? `${text}…` : text);
  }
  const unseen = (excerpts ?? []).length - shown.length;
  return {
    url: oneLine(url, ViewBudget.evidence),
    ...(title ? { title: oneLine(title, ViewBudget.url) } : {}),
    ...(shown.length > 0 ? { excerpts: shown } : {}),
    ...(unseen > 0 ? { excerpts_left_out: unseen } : {}),
  };
}

function bounded(text: string): string {
  const page = pageText(text, 0, ViewBudget.evidence);
  return page.nextOffset === null ? text : `${page.text}…`;
}
