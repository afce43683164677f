import type { RunEvidence } from "../task-api/evidence.ts";
import type { AnswerForm, AnswerSubmission } from "../task-api/answer.ts";
import type { TaskRunResult } from "../task-api/output.ts";
import type { AnnouncedProcessor } from "../task-api/processor-list.ts";
import type { RunEvent } from "../task-api/run-event.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { RequestCheck, TaskRun, TaskRunList } from "../task-api/run.ts";
import type {
  AddRunsBody,
  CreateTaskGroupBody,
  TaskGroup,
  TaskGroupEvent,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
} from "../task-api/task-group.ts";

export interface CallOptions {
  /** Ends the call at once; it then rejects with the signal's reason, not with an error of ours. */
  signal?: AbortSignal;
}

export interface CreateOptions extends CallOptions {
  /**
   * Sent as `Idempotency-Key`: 1 to 255 visible ASCII characters, otherwise `InvalidRequest`. With it, a create whose
   * outcome is unknown is repeated under the retry policy if the backend honours such keys, and only then.
   */
  idempotencyKey?: string;
}

/** The part of a run's evidence to read. */
export type EvidenceQuery =
  | { offset: number; limit: number }
  | { passage: string; around: number }
  | { page: string };

/** The calls for single runs. */
export interface RunCalls {
  /**
   * `POST /v1/tasks/runs`, delayed until it fits the account's quota. Repeated only when the request certainly was not
   * accepted, or as `CreateOptions.idempotencyKey` says.
   */
  createRun(input: RunInput, options?: CreateOptions): Promise<TaskRun>;
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
  /**
   * `GET …/evidence`, an extension of our engine: the hits of a run, a passage with its neighbours, or the outline of a
   * page. Throws `EvidenceNotSupported` when the backend has no such route (404 or 405), and `InvalidRequest` for a
   * passage or page that the run does not have.
   */
  readEvidence(runId: string, query: EvidenceQuery, options?: CallOptions): Promise<RunEvidence>;
  /**
   * `GET …/answer`, an extension of our engine: what a run in `action_required` needs. Null for a run that takes no
   * answer, and from a backend without the route.
   */
  readAnswerForm(
    runId: string,
    options?: CallOptions & { offset?: number | undefined },
  ): Promise<AnswerForm | null>;
  /**
   * `POST …/answer`, an extension of our engine. Sent once. Throws `InvalidRequest` with what is to be mended, and
   * `RequestRejected` with `status` 409 when the run takes no answer any more.
   */
  submitAnswer(
    runId: string,
    submission: AnswerSubmission,
    options?: CallOptions,
  ): Promise<TaskRun>;
  /** `GET /v1/tasks/runs`, an extension of our engine. Other backends: `RequestRejected` with `status` 404 or 405. */
  listRuns(
    query: { status?: string; limit?: number; cursor?: string },
    options?: CallOptions,
  ): Promise<TaskRunList>;
  /** `GET /v1/tasks/processors`, an extension of our engine. Other backends: `RequestRejected` with `status` 404 or 405. */
  listProcessors(options?: CallOptions): Promise<AnnouncedProcessor[]>;
}

/** The calls for task groups. All but `createGroup` throw `GroupNotFound`. */
export interface GroupCalls {
  /** `POST /v1/tasks/groups`. It creates no runs, so it is not held back; repeated like `createRun`. */
  createGroup(body: CreateTaskGroupBody, options?: CreateOptions): Promise<TaskGroup>;
  /** `GET /v1/tasks/groups/{taskgroup_id}`. */
  retrieveGroup(taskgroupId: string, options?: CallOptions): Promise<TaskGroup>;
  /**
   * `POST …/runs`, at most 1,000 inputs; each counts toward the quota. Held back and repeated like `createRun`.
   * Source: Task API, "Add runs".
   */
  addRuns(
    taskgroupId: string,
    body: AddRunsBody,
    options?: CreateOptions,
  ): Promise<TaskGroupRunResponse>;
  /**
   * `POST …/cancel`, an extension of our engine: cancels every run that can be, and answers with the group as it is
   * then. Never a conflict: a group with nothing left to cancel is answered too. Throws `GroupCancelNotSupported` when
   * the backend has no such route, or no such group (404 or 405).
   */
  cancelGroup(taskgroupId: string, options?: CallOptions): Promise<TaskGroup>;
  /**
   * `GET …/runs`: each run as it is now, then the end. `lastEventId`, an `event_id` or a `run_cursor`, leads to the
   * runs after it; `status` to those that have it.
   */
  streamGroupRuns(
    taskgroupId: string,
    query: {
      status?: string;
      includeInput?: boolean;
      includeOutput?: boolean;
      lastEventId?: string;
    },
    options?: CallOptions,
  ): AsyncIterable<TaskGroupRunEvent>;
  /**
   * `GET …/events`: the status of the group and the runs that stop being active, after `lastEventId` (an `event_id` or
   * an `event_cursor`). Ends when nothing is active, or after `timeoutSeconds`; throws like `streamEvents`.
   */
  streamGroupEvents(
    taskgroupId: string,
    query: { lastEventId?: string; timeoutSeconds?: number },
    options?: CallOptions,
  ): AsyncIterable<TaskGroupEvent>;
}

/** Typed calls to a Task API, hosted or embedded. Every method throws one of the classes in `errors.ts`. */
export interface TaskApiClient extends RunCalls, GroupCalls {
  /**
   * `POST /v1/tasks/runs/check`, an extension of our engine: checks a request that starts runs without starting them.
   * Null if the backend does not have it. Throws what the request itself would.
   */
  checkRuns(body: RunInput | AddRunsBody, options?: CallOptions): Promise<RequestCheck | null>;
  /**
   * Whether the backend honours `Idempotency-Key`: our engine with its extensions does. It checks with `listRuns` until
   * there is one answer; throws the error of a check without an answer.
   */
  honoursIdempotencyKeys(options?: CallOptions): Promise<boolean>;
}
