/** How much of the documents an answer shows, and how long searching and reading may take. */
export interface ReadingBudget {
  /** The time of a whole run, counted after the folder is indexed, because indexing serves every run. */
  seconds: number;
  /** Characters of the documents that a text answer shows. */
  chars: number;
}

/** A few hundred tokens: an agent can ask for more, and reads on where it wants to. */
export const SHORT_CHARS = 1_600;
const LONG = 3_200;

/**
 * The time is the longest of the tier's fast variant at the hosted API: no run waits longer here than there. A folder
 * needs a fraction of it; slow MCP servers and huge folders need the rest.
 */
const BUDGETS: Record<string, ReadingBudget> = {
  lite: { seconds: 20, chars: SHORT_CHARS },
  base: { seconds: 50, chars: SHORT_CHARS },
  core: { seconds: 100, chars: LONG },
  core2x: { seconds: 180, chars: LONG },
  pro: { seconds: 300, chars: LONG },
  ultra: { seconds: 600, chars: LONG },
  ultra2x: { seconds: 1_200, chars: LONG },
  ultra4x: { seconds: 2_400, chars: LONG },
  ultra8x: { seconds: 3_600, chars: LONG },
};

const BASE: ReadingBudget = { seconds: 50, chars: SHORT_CHARS };

/**
 * The share of a run's time that it waits for MCP servers. The folder is searched after them, so a server that hangs
 * must leave time for it.
 */
export const MCP_SHARE = 0.5;

/** The budget of a processor; its `-fast` variant has the same. The HTTP API rejects names that are not processors. */
export function readingBudget(processor: string): ReadingBudget {
  return BUDGETS[processor.replace(/-fast$/, "")] ?? BASE;
}
