import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { RunOutput } from "../../task-api/output.ts";
import { type TaskRun, isOver, mayHaveResult } from "../../task-api/run.ts";
import { RunNotFound, RunStillActive, isTransient } from "../errors.ts";
import type { TaskApiClient } from "../task-api-client.ts";
import type { Backoff } from "./backoff.ts";
import type { FollowPolicy } from "./follow-policy.ts";
import type { FollowedState } from "./snapshots.ts";

/** A result that is there comes at once; the API wants a timeout of at least this. */
export const READY_RESULT_SECONDS = 1;

/** Reads one run, and publishes its state when it changes. */
export interface RunStateReader {
  /** Reads the run itself; stream events and long polls are only hints. Throws permanent errors. */
  read(): Promise<"finished" | "active" | "unreadable">;
  /** Accepts a run from another source, with its output if there is one. */
  take(run: TaskRun, output: RunOutput | null): Promise<"finished" | "active">;
}

export function createRunStateReader({
  runId,
  client,
  policy,
  backoff,
  log,
  signal,
  known: before,
  onState,
}: {
  runId: string;
  client: TaskApiClient;
  policy: FollowPolicy;
  backoff: Backoff;
  log: Logger | undefined;
  signal: AbortSignal;
  known: FollowedState | null;
  onState: (state: FollowedState) => void;
}): RunStateReader {
  let known = before;

  async function read(): Promise<"finished" | "active" | "unreadable"> {
    try {
      return await take(await client.retrieveRun(runId, { signal }), null);
    } catch (error) {
      // The run is completed and its result a moment behind.
      if (error instanceof RunStillActive) return "active";
      if (!isTransient(error) || known === null) throw error;
      log?.debug({ run_id: runId, err: error }, "the run cannot be read");
      publish({ ...known, staleReason: backoff.noteFailure(error) });
      return "unreadable";
    }
  }

  /** A run that came to an output is published only with it: its watchers end there. */
  async function take(run: TaskRun, output: RunOutput | null): Promise<"finished" | "active"> {
    const ended = mayHaveResult(run) ? await withOutput(run, output) : { run, output: null };
    backoff.noteAnswer();
    publish({ ...ended, staleReason: null });
    return ended.run.is_active ? "active" : "finished";
  }

  /**
   * Adds the output to a run. It stays null when there is no result: the backend did not store it, or the status has
   * none.
   */
  async function withOutput(
    run: TaskRun,
    output: RunOutput | null,
  ): Promise<{ run: TaskRun; output: RunOutput | null }> {
    if (output !== null) return { run, output };
    const isCompleted = run.status === "completed";
    const timeoutSeconds = isCompleted ? policy.longPollSeconds : READY_RESULT_SECONDS;
    try {
      const result = await client.retrieveResult(runId, { timeoutSeconds, signal });
      return { run, output: result.output };
    } catch (error) {
      if (error instanceof RunNotFound) return { run, output: null };
      if (!(error instanceof RunStillActive) || isCompleted) throw error;
      // The status is newer than this client, and the backend's answer shows that the run is still active.
      return { run: isOver(run) ? run : { ...run, is_active: true }, output: null };
    }
  }

  /** After a reconnect the stream repeats the state: it is not published twice. */
  function publish(state: FollowedState): void {
    if (isDeepStrictEqual(state, known)) return;
    known = state;
    onState(state);
  }

  return { read, take };
}
