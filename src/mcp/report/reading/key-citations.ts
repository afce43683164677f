import type { FieldBasis } from "../../../task-api/output.ts";
import type { KeyCitation, RunFacts } from "../run-report.ts";
import { oneLine } from "./page-text.ts";

/** Weights, as in `pageText`. */
const Budget = {
  citations: 3_000,
  /** Beside an outline: sections have evidence of their own. */
  fewCitations: 500,
  /** A sentence or two: enough to judge whether the citation carries the claim. */
  excerpt: 300,
  title: 120,
  url: 400,
  field: 60,
} as const;

/**
 * The first citation of every field, each page once, as many as fit. A page that the shown output names is not told
 * again, nor a quote that it holds. With `citations_total`, how many there are in all, where some did not fit.
 */
export function keyCitations(
  basis: readonly FieldBasis[],
  shown: string,
  hasOutline: boolean,
): Pick<RunFacts, "citations" | "citations_total"> {
  const citations: KeyCitation[] = [];
  const seen = new Set<string>();
  const words = foldSpaces(shown);
  let left: number = hasOutline ? Budget.fewCitations : Budget.citations;
  let total = 0;
  // Round by round, so that every field is heard before one is heard twice.
  const most = Math.max(0, ...basis.map((entry) => entry.citations?.length ?? 0));
  for (let round = 0; round < most; round += 1) {
    for (const { field, citations: ofField } of basis) {
      const citation = ofField?.[round];
      if (citation === undefined) continue;
      total += 1;
      const { url, title, excerpts } = citation;
      if (url !== "" && (seen.has(url) || holdsUrl(shown, url))) continue;
      seen.add(url);
      const excerpt = foldSpaces(excerpts?.[0] ?? "");
      const short: KeyCitation = {
        // The basis of a text has this one field.
        ...(field === "output" ? {} : { field: oneLine(field, Budget.field) }),
        url: oneLine(url, Budget.url),
        ...(title ? { title: oneLine(title, Budget.title) } : {}),
        ...(excerpt !== "" && !words.includes(excerpt)
          ? { excerpt: oneLine(excerpt, Budget.excerpt) }
          : {}),
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

/** What may follow a URL in text; anything else makes it a longer one. */
const URL_END = /^[.,;:!?]*(?:[\s)>\]"'|*`]|$)/;

function holdsUrl(text: string, url: string): boolean {
  for (let at = text.indexOf(url); at !== -1; at = text.indexOf(url, at + 1)) {
    const after = text.slice(at + url.length, at + url.length + 10);
    if (URL_END.test(after)) return true;
  }
  return false;
}

const foldSpaces = (text: string) => text.replaceAll(/\s+/g, " ").trim();
