import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import { unreadableOf } from "../../task-api/lenient.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { ProgressEvent, StateEvent } from "../../task-api/run-event.ts";
import { type TaskRun, isOver, mayHaveResult } from "../../task-api/run.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BackendTimedOut, RunNotFound, RunStillActive, TaskApiError } from "../errors.ts";
import type { FollowPolicy } from "./follow-policy.ts";
import { createOutage, isTransient } from "./outage.ts";
import type { FollowedState } from "./snapshots.ts";
import type { TaskApiClient } from "../task-api-client.ts";

/** A result that is there comes at once; the API wants a timeout of at least this. */
export const READY_RESULT_SECONDS = 1;

/** What of a run says that it is this one, and that it has ended. */
const DECISIVE = ["run_id", "status", "is_active"];

export interface FollowOptions {
  runId: string;
  client: TaskApiClient;
  clock: Clock;
  policy: FollowPolicy;
  log: Logger | undefined;
  /** Ends the following at once. */
  signal: AbortSignal;
  /** What was known before; then the run is read first, because somebody said that there is news of it. */
  known?: FollowedState | null;
  onState: (state: FollowedState) => void;
  onProgress: (event: ProgressEvent) => void;
}

/**
 * Follows a run until it is no longer active; the last state is then out. The event stream is tried first, then long
 * polls, then plain reads. Only a read of the run decides: a stream that ends is not a run that ended, and a 404 from
 * `/result` or `/events` is not yet an unknown run.
 *
 * Rejects with what makes following pointless (`RunNotFound`, `Unauthorized`, …). A backend that does not answer is
 * waited for, and reported as `trouble`; but when not even a first state could be read, its error rejects, because
 * there is nothing to show that the trouble could be a part of.
 */
export async function followRun(options: FollowOptions): Promise<void> {
  const { runId, client, clock, policy, signal, onState, onProgress } = options;
  const debug = (facts: object, message: string) =>
    options.log?.debug({ run_id: runId, ...facts }, message);
  let known = options.known ?? null;
  const outage = createOutage({ clock, policy });

  if (known !== null && (await readRun()) === "finished") return;
  for (;;) {
    const stream = await followStream();
    if (stream === "finished") return;
    if (stream === "failed" && (await poll()) === "finished") return;
  }

  async function followStream(): Promise<"finished" | "expired" | "failed"> {
    const openedAt = clock.elapsedMs();
    try {
      for await (const event of client.streamEvents(runId, { signal })) {
        switch (event.type) {
          case "task_run.state":
            if ((await takeEvent(event)) === "finished") return "finished";
            break;
          case "error":
            // It does not say that the run failed, nor whether anything follows it.
            if ((await readRun()) === "finished") return "finished";
            break;
          default:
            onProgress(event);
        }
      }
      debug({}, "the event stream ended while the run is active");
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      debug({ err: error }, "the event stream failed");
      // A stream that fell silent has lived long, but would only fall silent again.
      if (error instanceof BackendTimedOut) return "failed";
    }
    return clock.elapsedMs() - openedAt >= policy.longStreamMs ? "expired" : "failed";
  }

  /** An end that a stream tells in part is not believed: which run it is about, or how it ended, may be what is missing. */
  async function takeEvent({
    run,
    output,
  }: StateEvent): Promise<"finished" | "active" | "unreadable"> {
    const isTold = DECISIVE.every((field) => !unreadableOf(run).includes(field));
    if (run.is_active || isTold) return takeState(run, output ?? null);
    return readRun();
  }

  /** Polls until the run is finished, or the stream is worth another try. */
  async function poll(): Promise<"finished" | "active"> {
    const streamAgainAt = clock.elapsedMs() + policy.streamAgainAfterMs;
    let canLongPoll = true;
    let hasFailed = false;
    let pauses = 0;
    while (clock.elapsedMs() < streamAgainAt) {
      const state = await readRun();
      if (state === "finished") return "finished";
      if (state === "unreadable") {
        hasFailed = true;
      } else if (hasFailed) {
        return "active"; // The backend is back, and with it perhaps its streams.
      } else if (canLongPoll) {
        const result = await longPoll();
        if (result === "finished") return "finished";
        canLongPoll = result === "active";
        continue; // Its 404 may be a run that failed: read the run at once.
      }
      pauses += 1;
      await clock.sleep(outage.pauseMs(pauses), signal);
    }
    return "active";
  }

  /** The one authority on the run. Throws what makes following pointless. */
  async function readRun(): Promise<"finished" | "active" | "unreadable"> {
    try {
      return await takeState(await client.retrieveRun(runId, { signal }), null);
    } catch (error) {
      // The run is completed and its result a moment behind.
      if (error instanceof RunStillActive) return "active";
      if (!isTransient(error) || known === null) throw error;
      debug({ err: error }, "the run cannot be read");
      publish({ ...known, trouble: outage.note(error) });
      return "unreadable";
    }
  }

  async function longPoll(): Promise<"finished" | "active" | "failed"> {
    const startedAt = clock.elapsedMs();
    try {
      const { run, output } = await client.retrieveResult(runId, {
        timeoutSeconds: policy.longPollSeconds,
        signal,
      });
      if ((await takeState(run, output)) === "finished") return "finished";
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      if (!(error instanceof RunStillActive)) {
        debug({ err: error }, "the long poll failed");
        return "failed";
      }
    }
    // A server that does not wait must not be asked in a tight loop.
    return clock.elapsedMs() - startedAt < policy.minLongPollMs ? "failed" : "active";
  }

  /** A run that came to an output is published only with it: its watchers end there. */
  async function takeState(run: TaskRun, output: RunOutput | null): Promise<"finished" | "active"> {
    const ended = mayHaveResult(run) ? await withOutput(run, output) : { run, output: null };
    outage.end();
    publish({ ...ended, trouble: null });
    return ended.run.is_active ? "active" : "finished";
  }

  /** Without an output when there is no result: the backend did not keep it, or the status is one that has none. */
  async function withOutput(
    run: TaskRun,
    output: RunOutput | null,
  ): Promise<{ run: TaskRun; output: RunOutput | null }> {
    if (output !== null) return { run, output };
    const isCompleted = run.status === "completed";
    try {
      const timeoutSeconds = isCompleted ? policy.longPollSeconds : READY_RESULT_SECONDS;
      return {
        run,
        output: (await client.retrieveResult(runId, { timeoutSeconds, signal })).output,
      };
    } catch (error) {
      if (error instanceof RunNotFound) return { run, output: null };
      if (!(error instanceof RunStillActive) || isCompleted) throw error;
      // The status is unknown here; the result tells what it means.
      return { run: isOver(run) ? run : { ...run, is_active: true }, output: null };
    }
  }

  /** A reconnect brings the same state again; that is no news. */
  function publish(state: FollowedState): void {
    if (isDeepStrictEqual(state, known)) return;
    known = state;
    onState(state);
  }
}
