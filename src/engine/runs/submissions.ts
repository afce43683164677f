import type { RunOutput } from "../../task-api/output.ts";
import type { RunError } from "../../task-api/run.ts";

/** What came from outside for a run that asked for an answer. */
export interface Submission {
  /** How many answers were refused. */
  refused: number;
  /** The queries for more evidence, of all submissions. */
  queries: readonly string[];
  /** How many passages of evidence there were before the last queries. */
  shown: number;
  /** The answer that was accepted; null before. */
  output: RunOutput | null;
  /** Epoch milliseconds: when the run fails for want of an answer; null when it waits for none now. */
  untilMs: number | null;
}

/** The answers from outside to runs in `action_required`. Of two that come at once, one is taken. */
export interface SubmissionStore {
  /** Undefined for a run that never asked for an answer. */
  find(runId: string): Promise<Submission | undefined>;
  /**
   * `action_required` → `queued` with an accepted answer or further queries; the warning that asked for it goes. False
   * when the run no longer waits.
   */
  submit(
    runId: string,
    submitted: { output: RunOutput } | { queries: readonly string[]; shown: number },
  ): Promise<boolean>;
  /**
   * Counts an answer that was refused; `action_required` → `failed` with `error` at the `max`-th. Resolves to how many
   * were refused; undefined when the run no longer waits.
   */
  refuse(runId: string, limit: { max: number; error: RunError }): Promise<number | undefined>;
}
