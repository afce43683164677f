/** How many answers to a run are checked: after the last refusal it fails. */
export const MAX_TRIES = 3;

/** How many queries for more evidence an agent may make, by processor. */
const QUERIES: Readonly<Record<string, number>> = {
  lite: 1,
  base: 3,
  core: 8,
  core2x: 12,
  pro: 20,
  ultra: 50,
  ultra2x: 50,
  ultra4x: 50,
  ultra8x: 50,
};

/** The queries of a processor; its `-fast` variant has the same. */
export function queryBudget(processor: string): number {
  return QUERIES[processor.replace(/-fast$/, "")] ?? 3;
}
