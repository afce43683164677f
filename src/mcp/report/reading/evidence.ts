import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import type { KeyCitation, RunReport } from "../run-report.ts";
import { oneLine } from "../text.ts";
import { type OutputSelection, pickField } from "./output-parts.ts";
import { pageItems, pageText } from "./pages.ts";

/** Weights, as in `pageText`. */
const BasisBudget = {
  page: 13_000,
  /** The budget of one citation, or of one field's reasoning. */
  evidence: 4_000,
  title: 400,
} as const;

/**
 * Reasoning, citations and confidence of every field, or of one field and its parts. A field without evidence of its own
 * gets that of the nearest field around it. Throws `InvalidArguments` and `PartNotFound`.
 */
export function viewBasis(output: RunOutput, selection: OutputSelection): Partial<RunReport> {
  const { field, confidence, offset } = selection;
  const { entries: ofField, note } = evidenceAbout(output, field);
  const entries =
    confidence === undefined
      ? ofField
      : ofField.filter((entry) => entry.confidence?.toLowerCase() === confidence);
  const { items, cut } = pageItems(entries.flatMap(evidenceOf), offset, {
    budget: BasisBudget.page,
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

function evidenceAbout(
  output: RunOutput,
  field: string | undefined,
): { entries: FieldBasis[]; note?: string } {
  const { basis } = output;
  const own = evidenceFor(basis, field);
  if (field === undefined || own.length > 0) return { entries: own };
  pickField(output, field);
  const shown = oneLine(field, BasisBudget.title);
  for (let end = field.lastIndexOf("."); end > 0; end = field.lastIndexOf(".", end - 1)) {
    const around = field.slice(0, end);
    const entries = basis.filter((entry) => entry.field === around);
    if (entries.length === 0) continue;
    return { entries, note: `Evidence for ${oneLine(around, BasisBudget.title)} covers ${shown}.` };
  }
  return { entries: [], note: `No evidence is recorded for ${shown}.` };
}

/** The evidence of a field and its parts; all of it for undefined. */
export function evidenceFor(basis: readonly FieldBasis[], field: string | undefined): FieldBasis[] {
  return basis.filter(
    (entry) => field === undefined || entry.field === field || entry.field.startsWith(`${field}.`),
  );
}

interface Evidence {
  /** The field; on its first citation with reasoning and confidence. */
  claim: JsonObject;
  citation: JsonObject | null;
}

/** A field's evidence, one citation at a time, so that a page can end between any two. */
function evidenceOf({ field, reasoning, confidence, citations }: FieldBasis): Evidence[] {
  const claim = {
    field,
    ...(confidence ? { confidence } : {}),
    ...(reasoning ? { reasoning: shorten(reasoning, BasisBudget.evidence) } : {}),
  };
  const [first, ...others] = citations ?? [];
  if (first === undefined) return [{ claim, citation: null }];
  return [
    { claim, citation: citationOf(first) },
    ...others.map((citation) => ({ claim: { field }, citation: citationOf(citation) })),
  ];
}

/** Joins the citations of a page by field. */
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
  let left: number = BasisBudget.evidence;
  const shown: string[] = [];
  for (const excerpt of excerpts ?? []) {
    if (left <= 0) break;
    const short = shorten(excerpt, left);
    left -= Buffer.byteLength(short);
    shown.push(short);
  }
  const unseen = (excerpts ?? []).length - shown.length;
  return {
    url: oneLine(url, BasisBudget.evidence),
    ...(title ? { title: oneLine(title, BasisBudget.title) } : {}),
    ...(shown.length > 0 ? { excerpts: shown } : {}),
    ...(unseen > 0 ? { excerpts_left_out: unseen } : {}),
  };
}

function shorten(text: string, budget: number): string {
  const page = pageText(text, 0, budget);
  return page.nextOffset === null ? text : `${page.text}…`;
}

/** Weights, as in `pageText`. */
const KeyBudget = {
  citations: 3_000,
  /** Beside an outline: its sections have evidence of their own. */
  fewCitations: 500,
  /** One or two sentences: enough to judge whether the citation supports the claim. */
  excerpt: 300,
  title: 120,
  url: 400,
  field: 60,
} as const;

/**
 * The citations to show with an answer: the first of every field, then the second, as many as fit; each page once. Leaves
 * out pages and quotes that the shown output contains. `citations_total` is set when some did not fit.
 */
export function keyCitations(
  basis: readonly FieldBasis[],
  shown: string,
  hasOutline: boolean,
): Pick<RunReport, "citations" | "citations_total"> {
  const citations: KeyCitation[] = [];
  const seen = new Set<string>();
  const words = foldQuotes(shown);
  let left: number = hasOutline ? KeyBudget.fewCitations : KeyBudget.citations;
  let total = 0;
  const most = Math.max(0, ...basis.map((entry) => entry.citations?.length ?? 0));
  for (let round = 0; round < most; round += 1) {
    for (const { field, citations: ofField } of basis) {
      const citation = ofField?.[round];
      if (citation === undefined) continue;
      total += 1;
      const { url, title, excerpts } = citation;
      if (url !== "" && (seen.has(url) || containsUrl(shown, url))) continue;
      seen.add(url);
      const excerpt = (excerpts ?? []).find((one) => !words.includes(foldQuotes(one)));
      const short: KeyCitation = {
        // The basis of a text has only this field.
        ...(field === "output" ? {} : { field: oneLine(field, KeyBudget.field) }),
        url: oneLine(url, KeyBudget.url),
        ...(title ? { title: oneLine(title, KeyBudget.title) } : {}),
        ...(excerpt === undefined ? {} : { excerpt: oneLine(excerpt, KeyBudget.excerpt) }),
      };
      left -= Buffer.byteLength(JSON.stringify(short));
      if (left >= 0) citations.push(short);
    }
  }
  return {
    ...(citations.length > 0 && { citations }),
    ...(left < 0 && { citations_total: total }),
  };
}

/** What may follow a URL in text; other characters make it a longer URL. */
const URL_END = /^[.,;:!?]*(?:[\s)>\]"'|*`]|$)/;

function containsUrl(text: string, url: string): boolean {
  for (let at = text.indexOf(url); at !== -1; at = text.indexOf(url, at + 1)) {
    const after = text.slice(at + url.length, at + url.length + 10);
    if (URL_END.test(after)) return true;
  }
  return false;
}

/** A quote reads alike however its lines are broken, with Markdown's marks of a quotation and of emphasis or without. */
const foldQuotes = (text: string) =>
  text
    .replaceAll(/^[ \t]*(?:>[ \t]?)+/gm, "")
    .replaceAll("**", "")
    .replaceAll(/\s+/g, " ")
    .trim();
