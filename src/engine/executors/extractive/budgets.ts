/** How much of the folder one search reads, and how much of it the answer shows. */
export interface ReadingBudget {
  documents: number;
  passages: number;
  /** Sentences in a text answer. */
  quotes: number;
  /** Items of a list field. */
  items: number;
}

/**
 * Rises with the price of the tier, as the caller expects. More than five quotes is a wall of text, whatever was paid;
 * the higher tiers read further down the ranking instead. Reading costs about a millisecond per document.
 */
const BUDGETS: Record<string, ReadingBudget> = {
  lite: { documents: 3, passages: 8, quotes: 1, items: 5 },
  base: { documents: 5, passages: 16, quotes: 2, items: 10 },
  core: { documents: 10, passages: 32, quotes: 3, items: 15 },
  core2x: { documents: 15, passages: 48, quotes: 3, items: 15 },
  pro: { documents: 20, passages: 64, quotes: 4, items: 20 },
  ultra: { documents: 40, passages: 128, quotes: 5, items: 25 },
  ultra2x: { documents: 60, passages: 192, quotes: 5, items: 25 },
  ultra4x: { documents: 80, passages: 256, quotes: 5, items: 25 },
  ultra8x: { documents: 100, passages: 320, quotes: 5, items: 25 },
};

const BASE: ReadingBudget = { documents: 5, passages: 16, quotes: 2, items: 10 };

/** The budget of a processor; its `-fast` variant has the same. The HTTP API refuses names that are not processors. */
export function readingBudget(processor: string): ReadingBudget {
  return BUDGETS[processor.replace(/-fast$/, "")] ?? BASE;
}
