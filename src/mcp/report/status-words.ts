import { UNKNOWN } from "../../ledger/ledger.ts";
import { RunStatus, isActiveStatus } from "../../task-api/run.ts";

/** What a list of runs can be narrowed to; `active` stands for all statuses that are. */
const KNOWN: readonly string[] = ["active", ...RunStatus.options, UNKNOWN];

/** Words that people and models use for statuses. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  done: ["completed"],
  complete: ["completed"],
  finished: ["completed"],
  success: ["completed"],
  successful: ["completed"],
  succeeded: ["completed"],
  ok: ["completed"],
  error: ["failed"],
  errored: ["failed"],
  fail: ["failed"],
  failure: ["failed"],
  pending: ["queued"],
  waiting: ["queued"],
  in_progress: ["running"],
  processing: ["running"],
  started: ["running"],
  working: ["running"],
  canceled: ["cancelled"],
  aborted: ["cancelled"],
  stopped: ["cancelled"],
  canceling: ["cancelling"],
  input_required: ["action_required"],
  needs_action: ["action_required"],
  open: ["active"],
  ongoing: ["active"],
  unfinished: ["active"],
  lost: [UNKNOWN],
  ended: ["completed", "failed", "cancelled"],
  terminal: ["completed", "failed", "cancelled"],
  all: [],
  any: [],
};

/** What a status must be, for whom none of the words fits. */
export const STATUS_RULE = `write one of ${KNOWN.join(", ")}`;

/** The statuses that a word, or several with commas between them, stand for; empty for all, null for no status. */
export function readStatuses(text: string): string[] | null {
  const statuses = new Set<string>();
  for (const part of text.split(/[,|]/)) {
    const word = part
      .trim()
      .toLowerCase()
      .replaceAll(/[\s-]+/g, "_");
    if (word === "") continue;
    const meant = KNOWN.includes(word) ? [word] : SYNONYMS[word];
    if (meant === undefined) return null;
    for (const status of meant) statuses.add(status);
  }
  return [...statuses];
}

/** The statuses of runs that these words stand for: `active` is several, and none of them all. */
export function runStatuses(statuses: readonly string[]): readonly string[] {
  if (statuses.length === 0) return RunStatus.options;
  return statuses.flatMap((one) =>
    one === "active" ? RunStatus.options.filter(isActiveStatus) : [one],
  );
}
