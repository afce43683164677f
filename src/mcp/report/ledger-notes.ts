import type { Backend } from "../runs/backend.ts";

/** What a report says when the memory of runs is not what a user expects of it. */
export function ledgerNotes({ ledgerTrouble }: Pick<Backend, "ledgerTrouble">): string[] {
  if (ledgerTrouble === null) return [];
  return [
    `The record of started runs is kept in memory only and ends with this server: ${ledgerTrouble} Keep the ids.`,
  ];
}
