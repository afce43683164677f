import { createHash } from "node:crypto";
import type { DocumentSection } from "../sources/document.ts";
import type { DocumentPassage, IndexedDocument, PassageSearch } from "../sources/source.ts";

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
 * The folder's search with these sources beside its documents, for one run, ranked in one way. They stay in memory:
 * other runs must not find what this one brought.
 */
export function searchAlso(search: PassageSearch, found: readonly FoundDocument[]): PassageSearch {
  const passages = found.flatMap(({ passages: sections, ...fields }, index): DocumentPassage[] => {
    // The folder's documents have positive ids.
    const document: IndexedDocument = {
      id: -1 - index,
      ...fields,
      hash: createHash("sha256")
        .update(JSON.stringify([fields, sections]))
        .digest("hex"),
      passageCount: sections.length,
    };
    return sections.map((section, position) => ({ document, position, ...section }));
  });
  const passagesOf = (id: number) => passages.filter(({ document }) => document.id === id);

  return {
    documentCount: search.documentCount + found.length,
    passageCount: search.passageCount + passages.length,
    search: (query, limit) => search.search(query, limit, passages),
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
  };
}
