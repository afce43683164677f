import type { TextOutput } from "../../../task-api/output.ts";
import { citeSources, describeBasis } from "../../research/citations.ts";
import type { Evidence } from "./find-evidence.ts";

/** Stands with every answer, so that matching words are not taken for understanding. */
export const REASONING =
  "extractive: sentences were found by matching words and are quoted as they stand; no model was used.";

/** A Markdown answer of quotes with numbered sources: the best one first, nothing in words of our own about the matter. */
export function writeAnswer(quotes: readonly Evidence[]): TextOutput {
  const citations = citeSources(quotes);
  const numbers = new Map(citations.map((citation, index) => [citation.url, index + 1]));
  const [best = "", ...others] = quotes.map((quote) => {
    return `${writeQuote(quote)} [${numbers.get(quote.document.url)}]`;
  });
  const sources = citations.map(
    (citation, index) => `[${index + 1}] ${citation.title}: <${citation.url}>`,
  );
  const content = [
    best,
    ...(others.length > 0 ? ["Also:", others.map((quote) => `- ${quote}`).join("\n")] : []),
    `Sources:\n\n${sources.map((source) => `- ${source}`).join("\n")}`,
  ].join("\n\n");
  return { type: "text", content, basis: [describeBasis("output", REASONING, citations)] };
}

/** A sentence that does not say what it is about is shown with its title and heading. */
function writeQuote({ sentence, document, heading, standsAlone }: Evidence): string {
  if (standsAlone) return `"${sentence}"`;
  const place = heading === "" ? document.title : `${document.title} › ${heading}`;
  return `${place}: "${sentence}"`;
}

/** The answer when no sentence is relevant: what was searched, and what to try. */
export function writeNoAnswer(documentCount: number): TextOutput {
  const searched =
    documentCount === 0
      ? "There was no document to search: the folder is empty, or source_policy excludes all of it."
      : `${documentCount} ${documentCount === 1 ? "document was" : "documents were"} searched, and no sentence matches the question closely enough to be quoted.`;
  const content = `The documents contain no answer to this question. ${searched}`;
  const reasoning = `extractive: ${searched} No model was used.`;
  return { type: "text", content, basis: [describeBasis("output", reasoning, [])] };
}
