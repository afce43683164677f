import { z } from "zod";
import type { RunSnapshot } from "../../../client/follow/snapshots.ts";
import type { RunOutput } from "../../../task-api/output.ts";
import { InvalidArguments } from "../../arguments/argument-problems.ts";
import type { RunReport } from "../run-report.ts";
import { shownJson, timeText } from "../text.ts";
import { keyCitations } from "./evidence.ts";
import {
  type OutputSelection,
  findSections,
  outlineOf,
  pickField,
  pickSection,
} from "./output-parts.ts";
import { pageItems, pageText } from "./pages.ts";

/** The part of a run to read. */
export const RunView = z.enum(["auto", "status", "output", "basis", "events"]);
export type RunView = z.infer<typeof RunView>;

/** Weights (see `pageText`) that keep a report under 35,000 characters over both its channels. */
const ViewBudget = {
  /** One page of an output. */
  page: 13_000,
  /** The same next to citations. */
  pageWithCitations: 10_000,
  /** Steps, next to every warning in full. */
  steps: 7_000,
  /** Subtracted from the page on which the outline appears. */
  outline: 2_500,
  /** What `auto` shows of a text with an outline. One page of `output` then holds most of the rest. */
  beginning: 2_000,
} as const;

/** The answer with its key citations. */
export function viewAnswer(output: RunOutput, selection: OutputSelection): Partial<RunReport> {
  const view = viewOutput(output, selection, ViewBudget.pageWithCitations, ViewBudget.beginning);
  const shown = documentText(view.output);
  return { ...view, ...keyCitations(output.basis, shown, view.outline !== undefined) };
}

/**
 * The output, one field of it, or one section of a text. A text that does not fit a page comes with its outline. Throws
 * `InvalidArguments` and `PartNotFound`.
 */
export function viewOutput(
  output: RunOutput,
  selection: OutputSelection,
  budget: number = ViewBudget.page,
  besideOutline: number = budget - ViewBudget.outline,
): Partial<RunReport> {
  const value = pickField(output, selection.field);
  if (typeof value !== "string") {
    if (selection.section !== undefined) {
      throw new InvalidArguments([
        { argument: "section", fix: "only text has sections; use field for this output" },
      ]);
    }
    const page = viewText(value, documentText(value), selection.offset, budget);
    // The form of a whole output shows its type.
    return page.cut === undefined ? page : { output_type: output.type, ...page };
  }
  const text = selection.section === undefined ? value : pickSection(value, selection.section);
  const whole = viewText(text, text, selection.offset, budget);
  if (whole.cut === undefined) return whole;
  const cut = { output_type: output.type, ...whole };
  // The first page had the outline.
  if (selection.offset > 0) return cut;
  const inner = findSections(text).filter(
    ({ start }) => selection.section === undefined || start > 0,
  );
  const outline = outlineOf(inner, ViewBudget.outline);
  if (outline.length === 0) return cut;
  return { ...cut, outline, ...viewText(text, text, selection.offset, besideOutline) };
}

/** The steps that the run reported, the newest first. Throws `InvalidArguments`. */
export function viewEvents(
  { messages }: RunSnapshot,
  { offset }: OutputSelection,
): Partial<RunReport> {
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

/** A value as text: strings as they are, everything else as indented JSON. */
export function documentText(value: unknown): string {
  return typeof value === "string" ? value : shownJson(value, 2);
}

/** The value itself when its text fits a page, else a slice of the text and where to read on. */
function viewText(
  value: unknown,
  text: string,
  offset: number,
  budget: number,
): Pick<RunReport, "output" | "cut"> {
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
