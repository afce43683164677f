import { createHash } from "node:crypto";
import type { DocumentSection } from "../sources/document.ts";
import type { PassageSearch, FoundPassage, IndexedDocument } from "../sources/source.ts";
import { isSpaceless, splitWords, wordKey } from "../sources/text/words.ts";

/** A source that this run alone found, outside the folder. */
export interface FoundDocument {
  title: string;
  url: string;
  publishedOn: string | null;
  passages: readonly DocumentSection[];
}

/** Whether the title says what the document is about: that of a run's own source names its tool. */
export function hasTellingTitle({ id }: IndexedDocument): boolean {
  return id > 0;
}

/**
 * The folder's search with these sources beside its documents, for one run. They stay in memory: other runs
 * must not find what this one brought. Their passages alternate with the folder's, so that neither crowds out the other.
 */
export function searchAlso(search: PassageSearch, found: readonly FoundDocument[]): PassageSearch {
  const passages = found.flatMap(({ passages: sections, ...fields }, index) => {
    // The folder's documents have positive ids.
    const document: IndexedDocument = {
      id: -1 - index,
      ...fields,
      hash: createHash("sha256")
        .update(JSON.stringify([fields, sections]))
        .digest("hex"),
      passageCount: sections.length,
    };
    return sections.map((section, position) => ({
      // The title is not part of it, because it names the tool: texts of a server called `World Bank` are not about the bank.
      passage: { document, position, ...section, subject: section.heading },
      has: wordMatcher(`${section.heading}\n${section.text}`),
    }));
  });

  const passagesOf = (id: number) =>
    passages.flatMap(({ passage }) => (passage.document.id === id ? [passage] : []));
  return {
    search: (query, limit) =>
      search.search(
        query,
        limit,
        passages.map(({ passage }) => passage),
      ),
    read: async (document, start, end) =>
      document.id < 0
        ? passagesOf(document.id).slice(Math.max(0, start), end)
        : search.read(document, start, end),
    outline: async (document, limit) =>
      document.id < 0
        ? passagesOf(document.id)
            .slice(0, limit)
            .map(({ heading, position }) => ({ heading, position }))
        : search.outline(document, limit),
    documentCount: search.documentCount + found.length,
    passageCount: search.passageCount + passages.length,
    async countPassages(words) {
      const own = passages.filter(({ has }) => words.some(has)).length;
      return own + (await search.countPassages(words));
    },
    async find(words, limit) {
      const unique = [...new Set(words)];
      const own = passages
        .map(({ passage, has }) => ({ passage, matches: unique.filter(has).length }))
        .filter(({ matches }) => matches > 0)
        .toSorted((a, b) => b.matches - a.matches)
        .map(({ passage }) => passage);
      const { passages: others, documentIds } = await search.find(words, limit);
      return {
        passages: alternate(own, others).slice(0, limit),
        documentIds: [...documentIds, ...new Set(own.map(({ document }) => document.id))],
      };
    },
  };
}

/** Compares words in the way of the folder's index. */
function wordMatcher(text: string): (word: string) => boolean {
  const keys = new Set(splitWords(text).map((word) => word.key));
  return (word) => (isSpaceless(word) ? text.includes(word) : keys.has(wordKey(word)));
}

function alternate(
  first: readonly FoundPassage[],
  second: readonly FoundPassage[],
): FoundPassage[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, index) => [first[index], second[index]])
    .flat()
    .filter((passage) => passage !== undefined);
}
