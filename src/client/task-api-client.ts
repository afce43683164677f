import type { TaskRunResult } from "../task-api/output.ts";
import type { RunEvent } from "../task-api/run-event.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { TaskRun, TaskRunList } from "../task-api/run.ts";

export interface CallOptions {
  /** Ends the call at once; it then rejects with the signal's reason, not with an error of ours. */
  signal?: AbortSignal;
}

/** Typed calls to a Task API, hosted or embedded. Every method throws one of the classes in `errors.ts`. */
export interface TaskApiClient {
  /** `POST /v1/tasks/runs`. Sent once: never retried unless the request surely was not accepted. */
  createRun(input: RunInput, options?: CallOptions): Promise<TaskRun>;
  /** `GET /v1/tasks/runs/{run_id}`. Throws `RunNotFound`. */
  retrieveRun(runId: string, options?: CallOptions): Promise<TaskRun>;
  /** `GET …/result`, a long poll of at most `timeoutSeconds`. Throws `RunStillActive` (408), `RunNotFound` (404, also for failed runs). */
  retrieveResult(
    runId: string,
    options: CallOptions & { timeoutSeconds: number },
  ): Promise<TaskRunResult>;
  /** `GET …/input`. */
  retrieveInput(runId: string, options?: CallOptions): Promise<RunInput>;
  /**
   * `GET …/events`: yields what the server sends; ends when the stream ends, which is not when the run ends. Throws
   * `BackendUnreachable` when the connection breaks and `BackendTimedOut` when nothing, not even a comment, arrives.
   */
  streamEvents(runId: string, options?: CallOptions): AsyncIterable<RunEvent>;
  /**
   * `POST …/cancel`, an extension of our engine. Throws `CancelNotSupported` when the backend has no such route (404
   * or 405), and `RequestRejected` with `status` 409 when the run had already finished; read the run to report it.
   */
  cancelRun(runId: string, options?: CallOptions): Promise<TaskRun>;
  /** `GET /v1/tasks/runs`, an extension of our engine. Other backends: `RequestRejected` with `status` 404 or 405. */
  listRuns(
    query: { status?: string; limit?: number; cursor?: string },
    options?: CallOptions,
  ): Promise<TaskRunList>;
}
