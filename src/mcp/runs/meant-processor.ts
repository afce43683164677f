import { PROCESSORS, findProcessor } from "../../task-api/processors.ts";
import { isTypoOf } from "../arguments/looks-like.ts";

/** The documented processor that an unknown name probably refers to. */
export function meantProcessor(name: string): string | undefined {
  if (name === "" || findProcessor(name) !== undefined) return undefined;
  return PROCESSORS.find((known) => isTypoOf(name, known.name))?.name;
}

/** "Did you mean base? ", or nothing. */
export function didYouMean(name: unknown): string {
  const meant = typeof name === "string" ? meantProcessor(name) : undefined;
  return meant === undefined ? "" : `Did you mean ${meant}? `;
}
