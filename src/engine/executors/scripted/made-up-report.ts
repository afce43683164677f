import type { Citation } from "../../../task-api/output.ts";

export interface ReportSize {
  sections: number;
  /** UTF-16 units of the whole text. */
  characters: number;
  /** How many citations the sentences refer to, in turn. */
  citations: number;
}

/** After so many sentences a new paragraph begins. */
const PARAGRAPH_SENTENCES = 6;

/** A Markdown report of exactly that size. Each sentence has a number, so that no two pages of it are alike. */
export function makeUpReport({ sections, characters, citations }: ReportSize): string {
  const share = Math.floor(characters / sections);
  let sentences = 0;

  function writeSection(number: number, size: number): string {
    const parts = [`## Section ${number}`];
    let length = 0;
    for (let count = 0; length < size; count++) {
      sentences += 1;
      const source = citations === 0 ? "" : ` [${((sentences - 1) % citations) + 1}]`;
      const gap = count % PARAGRAPH_SENTENCES === 0 ? "\n\n" : " ";
      const sentence = `${gap}Sentence ${sentences} is made up to give this report its size${source}.`;
      parts.push(sentence);
      length += sentence.length;
    }
    return parts.join("").slice(0, size);
  }

  return Array.from({ length: sections }, (_, index) => {
    const isLast = index === sections - 1;
    return isLast
      ? writeSection(index + 1, characters - index * share)
      : `${writeSection(index + 1, share - 2)}\n\n`;
  }).join("");
}

/** Citations at an address that nobody can own. Source: RFC 2606. */
export function makeUpCitations(count: number): Citation[] {
  return Array.from({ length: count }, (_, index) => ({
    url: `https://example.com/sources/${index + 1}`,
    title: `Source ${index + 1}`,
    excerpts: [`Excerpt of source ${index + 1}, made up by the script.`],
  }));
}
