import type { ValidationProblem } from "../task-api/error-body.ts";

/** What every failed call knows. */
export interface ErrorFacts {
  /** The HTTP status, when there was an answer. */
  status?: number;
  /** The backend's own words: untrusted text, already bounded and free of the API key. */
  upstreamMessage?: string | null;
  /** The backend's correlation id, for its support. */
  refId?: string | null;
  cause?: unknown;
}

/**
 * A call that failed. `message` is ours and safe to show; what the backend said stays apart in `upstreamMessage`.
 * The API key appears in neither, nor in the cause.
 */
export abstract class TaskApiError extends Error {
  readonly status: number | null;
  readonly upstreamMessage: string | null;
  readonly refId: string | null;
  /** True when the request had no effect for certain: repeating it cannot do anything twice. */
  abstract readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status ?? null;
    this.upstreamMessage = facts.upstreamMessage ?? null;
    this.refId = facts.refId ?? null;
  }
}

/** 401: the API key is missing or wrong. */
export class Unauthorized extends TaskApiError {
  override readonly name = "Unauthorized";
  override readonly notProcessed = true;
}

/** 402: the account's credit, less what running tasks have reserved, does not cover the run. */
export class InsufficientCredit extends TaskApiError {
  override readonly name = "InsufficientCredit";
  override readonly notProcessed = true;
}

/** 403: the key is good, but this is not allowed. */
export class Forbidden extends TaskApiError {
  override readonly name: string = "Forbidden";
  override readonly notProcessed = true;
}

/** 403 on create: the backend has no such processor, or the account may not use it. */
export class ProcessorRefused extends Forbidden {
  override readonly name = "ProcessorRefused";
}

/** 404. From `/result` it may also be a run that failed: read the run to tell them apart. */
export class RunNotFound extends TaskApiError {
  override readonly name = "RunNotFound";
  override readonly notProcessed = true;
  readonly runId: string;

  constructor(runId: string, facts: ErrorFacts = {}) {
    super("The backend has no such run, or no result of it.", facts);
    this.runId = runId;
  }
}

/** 404 of a task group: no such group, or another account's. */
export class GroupNotFound extends TaskApiError {
  override readonly name = "GroupNotFound";
  override readonly notProcessed = true;
  readonly taskgroupId: string;

  constructor(taskgroupId: string, facts: ErrorFacts = {}) {
    super("The backend has no such task group.", facts);
    this.taskgroupId = taskgroupId;
  }
}

/** 408 from `/result`: the wait is over and the run goes on. The normal "not yet". */
export class RunStillActive extends TaskApiError {
  override readonly name = "RunStillActive";
  override readonly notProcessed = true;
  readonly runId: string;

  constructor(runId: string, facts: ErrorFacts = {}) {
    super("The run is still active.", facts);
    this.runId = runId;
  }
}

/** One problem of a request, reduced to what helps to correct it. */
export type RequestProblem = Pick<ValidationProblem, "type" | "loc" | "msg">;

/** 400, 405, 409, 415 and other 4xx: the same request will be refused again. */
export class RequestRejected extends TaskApiError {
  override readonly name: string = "RequestRejected";
  override readonly notProcessed = true;
  readonly problems: RequestProblem[];

  constructor(message: string, facts: ErrorFacts & { problems?: RequestProblem[] } = {}) {
    super(message, facts);
    this.problems = facts.problems ?? [];
  }
}

/** 413: the request has more bytes than the backend, or a gateway before it, takes. */
export class RequestTooLarge extends RequestRejected {
  override readonly name = "RequestTooLarge";
}

/** 422: fields of the request are wrong; `problems` says which. Without a `status` it was not even sent. */
export class InvalidRequest extends RequestRejected {
  override readonly name = "InvalidRequest";
}

/**
 * A 4xx that is not in the Task API's words: a firewall, proxy or gateway on the way wrote it, or the base URL leads
 * elsewhere. Whatever it is, it turned the request away instead of carrying it out, and knows nothing of runs or keys.
 */
export class TurnedAwayByGateway extends TaskApiError {
  override readonly name = "TurnedAwayByGateway";
  override readonly notProcessed = true;
}

/** 429: too many requests. `retryAfterMs` is the backend's wish, at most an hour; null when it named none. */
export class RateLimited extends TaskApiError {
  override readonly name = "RateLimited";
  override readonly notProcessed = true;
  readonly retryAfterMs: number | null;

  constructor(message: string, facts: ErrorFacts & { retryAfterMs?: number | null } = {}) {
    super(message, facts);
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** 5xx: the backend, or a gateway before it, failed. Whether it acted on the request is unknown. */
export class BackendFailed extends TaskApiError {
  override readonly name = "BackendFailed";
  override readonly notProcessed = false;
  readonly retryAfterMs: number | null;

  constructor(message: string, facts: ErrorFacts & { retryAfterMs?: number | null } = {}) {
    super(message, facts);
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** No connection, or one that broke: surely not accepted if nothing of the request was written. */
export class BackendUnreachable extends TaskApiError {
  override readonly name = "BackendUnreachable";
  override readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts & { notProcessed: boolean }) {
    super(message, facts);
    this.notProcessed = facts.notProcessed;
  }
}

/** No answer, or no further byte of one, within the time limit. Whether the backend acted is unknown, if the request left. */
export class BackendTimedOut extends TaskApiError {
  override readonly name = "BackendTimedOut";
  override readonly notProcessed: boolean;

  constructor(message: string, facts: ErrorFacts & { notProcessed?: boolean } = {}) {
    super(message, facts);
    this.notProcessed = facts.notProcessed ?? false;
  }
}

/** An answer that is not the Task API's: not JSON, or JSON of another shape. Often a wrong base URL. */
export class UnreadableAnswer extends TaskApiError {
  override readonly name = "UnreadableAnswer";

  /** A redirect names another place to ask; the request it answers was not performed. */
  override get notProcessed(): boolean {
    return this.status !== null && this.status >= 300 && this.status < 400;
  }
}

/**
 * 404 or 405 from the cancel extension. It says nothing about the run (a backend without the route answers 404 for any
 * id): read the run to learn whether it exists.
 */
export class CancelNotSupported extends TaskApiError {
  override readonly name = "CancelNotSupported";
  override readonly notProcessed = true;
  readonly runId: string;

  constructor(runId: string, facts: ErrorFacts = {}) {
    super("The backend did not take the cancel: it has no such route, or no such run.", facts);
    this.runId = runId;
  }
}

/** The same of a task group: 404 or 405 from its cancel extension. Read the group to learn whether it exists. */
export class GroupCancelNotSupported extends TaskApiError {
  override readonly name = "GroupCancelNotSupported";
  override readonly notProcessed = true;
  readonly taskgroupId: string;

  constructor(taskgroupId: string, facts: ErrorFacts = {}) {
    super("The backend did not take the cancel: it has no such route, or no such group.", facts);
    this.taskgroupId = taskgroupId;
  }
}
