export const DAY_MS = 24 * 60 * 60 * 1_000;

/** When the UTC day of a moment began, in epoch milliseconds. */
export function startOfUtcDay(epochMs: number): number {
  return epochMs - (epochMs % DAY_MS);
}
