/** How much of the folder one search reads, how much of it the answer shows, and how long all of it may take. */
export interface ReadingBudget {
  /** The time of a whole run, counted after the folder is indexed, because indexing serves every run. */
  seconds: number;
  documents: number;
  passages: number;
  /** Characters of the documents that a text answer shows. */
  chars: number;
  /** Passages that a text answer shows, at most. */
  windows: number;
  /** Items of a list field. */
  items: number;
}

/**
 * Rises with the price of the tier. More than five quotes are too much text for any tier, so the higher ones read
 * further down the ranking. The time is the longest of the tier's fast variant at the hosted API: no run waits longer
 * here than there. A folder needs a fraction of it; slow MCP servers and huge folders need the rest.
 */
const BUDGETS: Record<string, ReadingBudget> = {
  lite: { seconds: 20, documents: 3, passages: 8, chars: 1_600, windows: 5, items: 5 },
  base: { seconds: 50, documents: 5, passages: 16, chars: 1_600, windows: 5, items: 10 },
  core: { seconds: 100, documents: 10, passages: 32, chars: 3_200, windows: 10, items: 15 },
  core2x: { seconds: 180, documents: 15, passages: 48, chars: 3_200, windows: 10, items: 15 },
  pro: { seconds: 300, documents: 20, passages: 64, chars: 3_200, windows: 10, items: 20 },
  ultra: { seconds: 600, documents: 40, passages: 128, chars: 3_200, windows: 10, items: 25 },
  ultra2x: { seconds: 1_200, documents: 60, passages: 192, chars: 3_200, windows: 10, items: 25 },
  ultra4x: { seconds: 2_400, documents: 80, passages: 256, chars: 3_200, windows: 10, items: 25 },
  ultra8x: { seconds: 3_600, documents: 100, passages: 320, chars: 3_200, windows: 10, items: 25 },
};

const BASE: ReadingBudget = {
  seconds: 50,
  documents: 5,
  passages: 16,
  chars: 1_600,
  windows: 5,
  items: 10,
};

/**
 * The share of a run's time that it waits for MCP servers. The folder is searched after them, so a server that hangs
 * must leave time for it.
 */
export const MCP_SHARE = 0.5;

/** The budget of a processor; its `-fast` variant has the same. The HTTP API rejects names that are not processors. */
export function readingBudget(processor: string): ReadingBudget {
  return BUDGETS[processor.replace(/-fast$/, "")] ?? BASE;
}
