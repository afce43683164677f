import type { ValidationProblem } from "../task-api/error-body.ts";

/** Names an error for programs: it stays, while messages may change. One for each class below. */
export type TaskApiErrorCode =
  | "unauthorized"
  | "insufficient_credit"
  | "forbidden"
  | "processor_refused"
  | "run_not_found"
  | "group_not_found"
  | "run_still_active"
  | "request_rejected"
  | "request_too_large"
  | "invalid_request"
  | "turned_away_by_gateway"
  | "rate_limited"
  | "backend_failed"
  | "backend_unreachable"
  | "backend_timed_out"
  | "unreadable_answer"
  | "cancel_not_supported"
  | "group_cancel_not_supported"
  | "evidence_not_supported";

/** The facts that every failed call has. */
export interface ErrorFacts {
  /** The HTTP status, when there was an answer. */
  status?: number;
  /** The backend's own words: untrusted text, already bounded and free of the API key. */
  upstreamMessage?: string | null;
  /** The backend's correlation id, for its support. */
  refId?: string | null;
  retryAfterMs?: number | null;
  cause?: unknown;
}

/**
 * A call that failed. `message` is our own text and safe to show; the backend's text is in `upstreamMessage` only. The
 * API key appears in neither, nor in the cause.
 */
export abstract class TaskApiError extends Error {
  abstract readonly code: TaskApiErrorCode;
  readonly status: number | null;
  readonly upstreamMessage: string | null;
  readonly refId: string | null;
  /** How long the backend asks us to wait, at most an hour; null when it named no time. */
  readonly retryAfterMs: number | null;
  /** True when the request had no effect for certain: repeating it cannot do anything twice. */
  readonly notProcessed: boolean = true;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status ?? null;
    this.upstreamMessage = facts.upstreamMessage ?? null;
    this.refId = facts.refId ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** 401: the API key is missing or wrong. */
export class Unauthorized extends TaskApiError {
  override readonly name = "Unauthorized";
  override readonly code = "unauthorized";
}

/** 402: the account's credit, less what running tasks have reserved, does not cover the run. */
export class InsufficientCredit extends TaskApiError {
  override readonly name = "InsufficientCredit";
  override readonly code = "insufficient_credit";
}

/** 403: the key is good, but this is not allowed. */
export class Forbidden extends TaskApiError {
  override readonly name: string = "Forbidden";
  override readonly code: TaskApiErrorCode = "forbidden";
}

/** 403 on create: the backend has no such processor, or the account may not use it. */
export class ProcessorRefused extends Forbidden {
  override readonly name = "ProcessorRefused";
  override readonly code = "processor_refused";
}

/** An error about one run. */
abstract class RunCallError extends TaskApiError {
  readonly runId: string;

  constructor(message: string, runId: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.runId = runId;
  }
}

/** An error about one task group. */
abstract class GroupCallError extends TaskApiError {
  readonly taskgroupId: string;

  constructor(message: string, taskgroupId: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.taskgroupId = taskgroupId;
  }
}

/** 404. From `/result` it may also mean that the run failed: read the run to distinguish the two. */
export class RunNotFound extends RunCallError {
  override readonly name = "RunNotFound";
  override readonly code = "run_not_found";

  constructor(runId: string, facts?: ErrorFacts) {
    super("The backend has no such run, or no result of it.", runId, facts);
  }
}

/** 404 of a task group: no such group, or another account's. */
export class GroupNotFound extends GroupCallError {
  override readonly name = "GroupNotFound";
  override readonly code = "group_not_found";

  constructor(taskgroupId: string, facts?: ErrorFacts) {
    super("The backend has no such task group.", taskgroupId, facts);
  }
}

/** 408 from `/result`: the wait is over and the run continues. This is the normal "not yet". */
export class RunStillActive extends RunCallError {
  override readonly name = "RunStillActive";
  override readonly code = "run_still_active";

  constructor(runId: string, facts?: ErrorFacts) {
    super("The run is still active.", runId, facts);
  }
}

/**
 * 404 or 405 from the cancel extension. It does not show whether the run exists, because a backend without the route
 * answers 404 for any id: read the run to find out.
 */
export class CancelNotSupported extends RunCallError {
  override readonly name = "CancelNotSupported";
  override readonly code = "cancel_not_supported";

  constructor(runId: string, facts?: ErrorFacts) {
    super(
      "The backend did not take the cancel: it has no such route, or no such run.",
      runId,
      facts,
    );
  }
}

/** The same of a task group: 404 or 405 from its cancel extension. Read the group to learn whether it exists. */
export class GroupCancelNotSupported extends GroupCallError {
  override readonly name = "GroupCancelNotSupported";
  override readonly code = "group_cancel_not_supported";

  constructor(taskgroupId: string, facts?: ErrorFacts) {
    super(
      "The backend did not take the cancel: it has no such route, or no such group.",
      taskgroupId,
      facts,
    );
  }
}

/**
 * 404 or 405 from the evidence extension. It does not show whether the run exists, because a backend without the route
 * answers 404 for any id: read the run to find out.
 */
export class EvidenceNotSupported extends RunCallError {
  override readonly name = "EvidenceNotSupported";
  override readonly code = "evidence_not_supported";

  constructor(runId: string, facts?: ErrorFacts) {
    super(
      "The backend keeps no passages to read: it has no such route, or no such run.",
      runId,
      facts,
    );
  }
}

/** 400, 405, 409, 415 and other 4xx: the same request will be rejected again. */
export class RequestRejected extends TaskApiError {
  override readonly name: string = "RequestRejected";
  override readonly code: TaskApiErrorCode = "request_rejected";
  /** Each reduced to what helps to correct it. */
  readonly problems: ValidationProblem[];

  constructor(message: string, facts: ErrorFacts & { problems?: ValidationProblem[] } = {}) {
    super(message, facts);
    this.problems = facts.problems ?? [];
  }
}

/** 413: the request has more bytes than the backend, or a gateway before it, takes. */
export class RequestTooLarge extends RequestRejected {
  override readonly name = "RequestTooLarge";
  override readonly code = "request_too_large";
}

/** 422: `problems` lists the invalid fields of the request. Without a `status` the request was not sent. */
export class InvalidRequest extends RequestRejected {
  override readonly name = "InvalidRequest";
  override readonly code = "invalid_request";
}

/**
 * A 4xx whose body is not of the Task API: a firewall, proxy or gateway wrote it, or the base URL is wrong. The request
 * did not reach the backend, so the answer says nothing about runs or keys.
 */
export class TurnedAwayByGateway extends TaskApiError {
  override readonly name = "TurnedAwayByGateway";
  override readonly code = "turned_away_by_gateway";
}

/** 429: too many requests. */
export class RateLimited extends TaskApiError {
  override readonly name = "RateLimited";
  override readonly code = "rate_limited";
}

/** 5xx: the backend, or a gateway before it, failed. Whether it acted on the request is unknown. */
export class BackendFailed extends TaskApiError {
  override readonly name = "BackendFailed";
  override readonly code = "backend_failed";
  override readonly notProcessed = false;
}

/** No connection, or one that broke: not processed for certain if nothing of the request was written. */
export class BackendUnreachable extends TaskApiError {
  override readonly name = "BackendUnreachable";
  override readonly code = "backend_unreachable";
  override readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts & { notProcessed: boolean }) {
    super(message, facts);
    this.notProcessed = facts.notProcessed;
  }
}

/** No answer, or no further byte of one, within the time limit. Whether the backend acted is unknown, if the request left. */
export class BackendTimedOut extends TaskApiError {
  override readonly name = "BackendTimedOut";
  override readonly code = "backend_timed_out";
  override readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts & { notProcessed?: boolean } = {}) {
    super(message, facts);
    this.notProcessed = facts.notProcessed ?? false;
  }
}

/** An answer that is not the Task API's: not JSON, or JSON of another shape. Often a wrong base URL. */
export class UnreadableAnswer extends TaskApiError {
  override readonly name = "UnreadableAnswer";
  override readonly code = "unreadable_answer";
  override readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts);
    // A redirect names another address to ask; the backend did not perform the request it answers so.
    this.notProcessed = this.status !== null && this.status >= 300 && this.status < 400;
  }
}

/** Whether an error may be gone at the next try. */
export function isTransient(error: unknown): error is TaskApiError {
  return (
    error instanceof BackendUnreachable ||
    error instanceof BackendTimedOut ||
    error instanceof BackendFailed ||
    error instanceof RateLimited ||
    error instanceof TurnedAwayByGateway ||
    error instanceof UnreadableAnswer
  );
}
