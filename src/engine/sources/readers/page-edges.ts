/** Running heads and feet have up to this many lines each. */
const MAX_EDGE_LINES = 3;
/** Left and right pages may have heads of their own, and some pages none. */
const NEIGHBOUR_PAGES = 4;
/** Two pages may begin with the same line by chance. */
const MIN_REPEATS = 2;

/**
 * The pages without running heads and feet: lines at the edge of a page that neighbouring pages have at the same place,
 * apart from a page number in them. Source: X. Lin, "Header and Footer Extraction by Page-Association", 2003.
 */
export function dropPageEdges<Line extends { text: string }>(
  pages: readonly (readonly Line[])[],
): Line[][] {
  const fromTop = pages.map((lines) => lines.slice(0, MAX_EDGE_LINES).map(({ text }) => text));
  const fromFoot = pages.map((lines) =>
    lines
      .slice(-MAX_EDGE_LINES)
      .map(({ text }) => text)
      .toReversed(),
  );
  return pages.map((lines, page) => {
    const head = countRunning(fromTop, page);
    const foot = countRunning(fromFoot, page);
    return lines.slice(head, Math.max(head, lines.length - foot));
  });
}

/** How many lines from the edge of the page on are repeated on its neighbours. */
function countRunning(edges: readonly (readonly string[])[], page: number): number {
  const texts = edges[page] ?? [];
  const end = texts.findIndex((text, depth) => {
    // The first pages may have no number, so that a number is at most that of the page.
    if (edges.length > 1 && /^\d+$/.test(text) && Number(text) <= page + 1) return false;
    let repeats = 0;
    for (let other = page - NEIGHBOUR_PAGES; other <= page + NEIGHBOUR_PAGES; other += 1) {
      const repeated = other === page ? undefined : edges[other]?.[depth];
      if (repeated !== undefined && isRepeated(text, repeated, other - page)) repeats += 1;
    }
    return repeats < MIN_REPEATS;
  });
  return end < 0 ? texts.length : end;
}

/** Whether a paragraph at the end of a page goes on with the next one: in the middle of a sentence. */
export function isContinued(end: string, next: string): boolean {
  return !/[.!?:]["”’)]?$/.test(end) && /^\p{Ll}/u.test(next);
}

const ROMAN_NUMBER = /(?:^| )[ivxlc]+$/i;

/** Whether two lines are equal, or differ in one number by the distance of their pages. */
function isRepeated(text: string, other: string, distance: number): boolean {
  if (text.replace(ROMAN_NUMBER, "") === other.replace(ROMAN_NUMBER, "")) return true;
  const parts = text.split(/(\d+)/);
  const others = other.split(/(\d+)/);
  if (parts.length !== others.length) return false;
  const changed = parts.flatMap((part, at) => (part === others[at] ? [] : [at]));
  const [at = 0] = changed;
  return changed.length === 1 && Number(others[at]) - Number(parts[at]) === distance;
}
