import type { TextOutput } from "../../../task-api/output.ts";
import { citeSources, describeBasis } from "../../research/citations.ts";
import { citedUrl, showPlace } from "../../sources/place.ts";
import type { QueryTerm } from "../../sources/source.ts";
import type { PassageWindow } from "./cut-windows.ts";
import { countText } from "../documents/wait-for-index.ts";

/** Stands with every answer, so that matching words are not taken for understanding. */
export const REASONING =
  "extractive: passages were found by matching words and are quoted as they stand; no model was used.";

export interface ShownWindow extends PassageWindow {
  /** The id of its passage in the evidence of the run. */
  id: string;
}

export interface AnswerParts {
  quoted: readonly ShownWindow[];
  close: readonly ShownWindow[];
  /** The words of the question that no document has as they are. */
  missing: readonly QueryTerm[];
  /** Whether an earlier answer of the conversation shows all that was found. */
  isExhausted: boolean;
}

/** More words than this are a text that was pasted, not a question. */
const MAX_MISSING = 10;

/** A Markdown answer: what clearly answers first, then what is closest, each with its place; then the sources. */
export function writeAnswer({ quoted, close, missing, isExhausted }: AnswerParts): TextOutput {
  const shown = [...quoted, ...close];
  const citations = citeSources(
    shown.map(({ passage: { document, place }, text }) => ({
      sentence: text,
      document: { title: document.title, url: citedUrl(document.url, place) },
    })),
  );
  const numbers = new Map(citations.map(({ url }, index) => [url, index + 1]));
  const write = (window: ShownWindow) => {
    const { document, place } = window.passage;
    const best = quoted.includes(window) ? window.best : null;
    return writeWindow(window, numbers.get(citedUrl(document.url, place)) ?? 0, best);
  };
  const absent = missing.length === 0 ? [] : [`In none of the documents: ${listWords(missing)}.`];
  const nothingMore = isExhausted
    ? ["There is nothing more about it in the documents than the earlier answer shows."]
    : [];
  const introduction =
    quoted.length > 0 ? "Also close:" : "No passage says it in these words; the closest are:";
  const content = [
    ...nothingMore,
    ...quoted.map(write),
    ...absent,
    ...(close.length > 0 ? [introduction, ...close.map(write)] : []),
    ...(citations.length > 0
      ? [
          `Sources:\n\n${citations.map(({ title, url }, index) => `- [${index + 1}] ${title}: <${url}>`).join("\n")}`,
        ]
      : []),
  ].join("\n\n");
  return { type: "text", content, basis: [describeBasis("output", REASONING, citations)] };
}

/** One line that says where it is, then the text itself, with the sentence that answers in bold. */
function writeWindow(
  { id, passage, text, words }: ShownWindow,
  source: number,
  best: string | null,
) {
  const { document, heading, place } = passage;
  const path = heading === "" ? document.title : `${document.title} › ${heading}`;
  const parts = [path, showPlace(place), id, `has ${listWords(words)}`];
  const marked = best === null ? text : text.replace(best, () => `**${best}**`);
  return `[${source}] ${parts.filter((part) => part !== "").join(" · ")}\n\n${marked.replaceAll(/^/gm, "> ")}`;
}

function listWords(words: readonly QueryTerm[]): string {
  const emphasize = (word: string) => `*${word}*`;
  const named = words.slice(0, MAX_MISSING).map(({ word, takenFor }) => {
    const others = takenFor?.map(emphasize).join(", ");
    return others === undefined ? emphasize(word) : `${emphasize(word)} (searched as ${others})`;
  });
  const others = words.length - named.length;
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(", ");
}

/** The answer when nothing was found at all: why, and what was searched. */
export function writeNoAnswer(
  documentCount: number,
  { hasWords, missing }: { hasWords: boolean; missing: readonly QueryTerm[] },
): TextOutput {
  const content = explainNothing(documentCount, hasWords, missing);
  return {
    type: "text",
    content,
    basis: [describeBasis("output", `extractive: ${content} No model was used.`, [])],
  };
}

function explainNothing(
  documentCount: number,
  hasWords: boolean,
  missing: readonly QueryTerm[],
): string {
  if (documentCount === 0) {
    return "There was no document to search: the folder is empty, or source_policy excludes all of it.";
  }
  const documents = countText(documentCount, "document");
  if (!hasWords) return `The question has no word to search for in the ${documents}.`;
  return `No word of the question is in the ${documents} that were searched: ${listWords(missing)}.`;
}
