import type { TaskRun } from "../../task-api/run.ts";

/** Why a run has no output, as far as it says so, and what else it warns of. A run that asks back says what it asks. */
export function readReason({ status, error, warnings = [] }: TaskRun): {
  reason: string | null;
  warnings: string[];
} {
  const messages = (warnings ?? []).map(({ message }) => message);
  const question = status === "action_required" ? messages.at(-1) : undefined;
  return question === undefined
    ? { reason: error?.message ?? null, warnings: messages }
    : { reason: `it asks: ${question}`, warnings: messages.slice(0, -1) };
}
