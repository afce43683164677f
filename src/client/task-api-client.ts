import type { RunInput } from "../task-api/run-input.ts";
import type { TaskRunResult } from "../task-api/output.ts";
import type { RunEvent } from "../task-api/run-event.ts";
import type { TaskRun, TaskRunList } from "../task-api/run.ts";

export interface CallOptions {
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
  /** `GET …/events`: yields what the server sends; ends when the stream ends, which is not when the run ends. */
  streamEvents(runId: string, options?: CallOptions): AsyncIterable<RunEvent>;
  /** `POST …/cancel`, an extension of our engine. Throws `CancelNotSupported` when the backend has no such route (404 or 405). */
  cancelRun(runId: string, options?: CallOptions): Promise<TaskRun>;
  /** `GET /v1/tasks/runs`, an extension of our engine. */
  listRuns(
    query: { status?: string; limit?: number; cursor?: string },
    options?: CallOptions,
  ): Promise<TaskRunList>;
}
