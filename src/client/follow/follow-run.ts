import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import type { ProgressEvent, StateEvent } from "../../task-api/run-event.ts";
import { BackendTimedOut, RunStillActive, TaskApiError } from "../errors.ts";
import type { TaskApiClient } from "../task-api-client.ts";
import { createBackoff } from "./backoff.ts";
import type { FollowPolicy } from "./follow-policy.ts";
import { createRunStateReader } from "./run-state-reader.ts";
import type { FollowedState } from "./snapshots.ts";

/** The fields that identify a run and show whether it has ended. */
const DECISIVE = ["run_id", "status", "is_active"];

interface FollowRunOptions {
  runId: string;
  client: TaskApiClient;
  clock: Clock;
  policy: FollowPolicy;
  log: Logger | undefined;
  /** Ends the following at once. */
  signal: AbortSignal;
  /** The last known state, if any; the run is then read first. */
  known: FollowedState | null;
  onState: (state: FollowedState) => void;
  onProgress: (event: ProgressEvent) => void;
}

/**
 * Follows a run until it is no longer active; the last state is then out. The event stream is tried first, then long
 * polls, then plain reads. Only a read of the run decides: a stream that ends is not a run that ended, and a 404 from
 * `/result` or `/events` is not yet an unknown run.
 *
 * Rejects with permanent errors (`RunNotFound`, `Unauthorized`, …). A backend that does not answer is waited for, and
 * reported in the state; but while not even a first state could be read, its error rejects, because there is no state
 * to report it in.
 */
export async function followRun(options: FollowRunOptions): Promise<void> {
  const { runId, client, clock, policy, signal, onProgress } = options;
  // No child logger: thousands of runs may be followed at a time, and each would hold one.
  const debug = (facts: object, message: string) =>
    options.log?.debug({ run_id: runId, ...facts }, message);
  const backoff = createBackoff({ clock, policy });
  const reader = createRunStateReader({ ...options, backoff });

  if (options.known !== null && (await reader.read()) === "finished") return;
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
            // The error event does not show whether the run failed, or whether more events follow: read the run.
            if ((await reader.read()) === "finished") return "finished";
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

  /**
   * An ending with unreadable fields is not trusted, because the run's id or status may be missing: the run is read
   * instead.
   */
  async function takeEvent({
    run,
    output,
  }: StateEvent): Promise<"finished" | "active" | "unreadable"> {
    const isReadable = DECISIVE.every((field) => !unreadableOf(run).includes(field));
    return run.is_active || isReadable ? reader.take(run, output ?? null) : reader.read();
  }

  /** Polls until the run is finished, or the stream is worth another try. */
  async function poll(): Promise<"finished" | "active"> {
    const streamAgainAt = clock.elapsedMs() + policy.streamAgainAfterMs;
    let canLongPoll = true;
    let hasFailed = false;
    let pauses = 0;
    while (clock.elapsedMs() < streamAgainAt) {
      const state = await reader.read();
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
      await clock.sleep(backoff.pauseMs(pauses), signal);
    }
    return "active";
  }

  async function longPoll(): Promise<"finished" | "active" | "failed"> {
    const startedAt = clock.elapsedMs();
    try {
      const { run, output } = await client.retrieveResult(runId, {
        timeoutSeconds: policy.longPollSeconds,
        signal,
      });
      if ((await reader.take(run, output)) === "finished") return "finished";
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      if (!(error instanceof RunStillActive)) {
        debug({ err: error }, "the long poll failed");
        return "failed";
      }
    }
    // A server that answers a long poll at once must not be polled in a tight loop.
    return clock.elapsedMs() - startedAt < policy.minLongPollMs ? "failed" : "active";
  }
}
