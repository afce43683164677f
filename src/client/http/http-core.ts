import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import { startDeadline } from "../../runtime/deadline.ts";
import { errorCode } from "../../text/error-message.ts";
import { type Redact, createRedact } from "../../text/redact.ts";
import { BackendTimedOut, BackendUnreachable, TaskApiError } from "../errors.ts";
import { type Fetch, type FetchInit, type FetchResponse, RequestNotSent } from "./fetch.ts";
import { type Subject, readErrorAnswer } from "./parse-error-response.ts";
import { ProxyFailed } from "./proxies.ts";
import {
  type ResponseSchema,
  createEventReader,
  eventStreamOf,
  readJsonResponse,
} from "./read-response.ts";
import { type RetryPolicy, type RetryableCall, withRetries } from "./retry-policy.ts";
import { traceHeaders } from "./trace-context.ts";

/** One request, and what is known about it beyond HTTP. */
export interface Call extends RetryableCall {
  method: FetchInit["method"];
  /** Appended to the base URL, with its query. */
  path: string;
  body?: string;
  headers?: Record<string, string>;
  subject: Subject;
  /** Parts of the request, besides the API key, that no error message may contain. */
  secrets?: readonly string[];
  /** Until the whole answer is there; of a stream, until its first bytes are. */
  timeoutMs: number;
}

/** A request for an event stream. */
export interface StreamCall extends Call {
  /** How long the stream may be silent, once it has begun. */
  silenceMs: number;
  /** How long all of it may take; without it, any time. */
  totalMs?: number;
}

/** The Task API's HTTP: authentication, time limits, retries, and errors as the classes of `errors.ts`. */
export interface TaskApiHttp {
  /** The answer, if it fits the schema. Throws the classes of `errors.ts`, or the signal's reason. */
  read<T>(call: Call, schema: ResponseSchema<T>, signal: AbortSignal | undefined): Promise<T>;
  /**
   * Yields the events of a stream until it ends. `describeCall` is called when the first event is requested. Throws the
   * same errors; `BackendTimedOut` when the stream falls silent.
   */
  stream<Event>(
    describeCall: () => StreamCall,
    schema: ResponseSchema<Event>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Event, void>;
}

export function createTaskApiHttp({
  baseUrl,
  headers,
  fetch,
  secrets,
  retryPolicy: policy,
  clock,
  log,
}: {
  baseUrl: string;
  headers: Record<string, string>;
  fetch: Fetch;
  /** The values that no error message may contain: the API key. */
  secrets: readonly string[];
  retryPolicy: RetryPolicy;
  clock: Clock;
  log: Logger | undefined;
}): TaskApiHttp {
  const redactFor = (call: Call) => createRedact([...secrets, ...(call.secrets ?? [])]);

  /** Sends the request once. Resolves to a 2xx answer whose body has not been read. */
  async function send(call: Call, accept: string, signal: AbortSignal): Promise<FetchResponse> {
    const response = await fetch(baseUrl + call.path, {
      method: call.method,
      headers: {
        accept,
        ...headers,
        ...traceHeaders(),
        ...call.headers,
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      signal,
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw await readErrorAnswer(response, call.subject, {
      redact: redactFor(call),
      now: clock.now(),
    });
  }

  async function readOnce<T>(
    call: Call,
    schema: ResponseSchema<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const deadline = startDeadline({ clock, ms: call.timeoutMs, signal });
    try {
      const response = await send(call, "application/json", deadline.signal);
      return await readJsonResponse(response, schema, redactFor(call));
    } catch (error) {
      throw toTaskApiError(error, {
        signal,
        isLate: deadline.hasPassed(),
        redact: redactFor(call),
      });
    } finally {
      deadline.clear();
    }
  }

  /** Opens a stream, with the deadline that goes on watching it. */
  async function openStream(call: StreamCall, signal: AbortSignal | undefined) {
    const deadline = startDeadline({ clock, ms: call.timeoutMs, totalMs: call.totalMs, signal });
    try {
      const response = await send(call, "text/event-stream", deadline.signal);
      return { chunks: eventStreamOf(response), deadline };
    } catch (error) {
      deadline.clear();
      deadline.abort();
      throw toTaskApiError(error, {
        signal,
        isLate: deadline.hasPassed(),
        redact: redactFor(call),
      });
    }
  }

  return {
    read: (call, schema, signal) =>
      withRetries(call, { policy, clock, log, signal }, () => readOnce(call, schema, signal)),

    async *stream(describeCall, schema, signal) {
      const call = describeCall();
      const { chunks, deadline } = await withRetries(call, { policy, clock, log, signal }, () =>
        openStream(call, signal),
      );
      try {
        const read = createEventReader(schema, log);
        for await (const chunk of chunks) {
          deadline.touch(call.silenceMs);
          yield* read(chunk);
        }
      } catch (error) {
        throw toTaskApiError(error, {
          signal,
          isLate: deadline.hasPassed(),
          redact: redactFor(call),
        });
      } finally {
        deadline.clear();
        deadline.abort();
      }
    },
  };
}

/** The error for the caller: its own abort first, then our deadline, then the actual failure. */
function toTaskApiError(
  error: unknown,
  { signal, isLate, redact }: { signal: AbortSignal | undefined; isLate: boolean; redact: Redact },
): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (isLate) {
    return new BackendTimedOut("The backend did not answer within the time limit.", {
      notProcessed: error instanceof RequestNotSent,
    });
  }
  return error instanceof TaskApiError ? error : toBackendUnreachable(error, redact);
}

/** The error for a request or a body that the transport could not carry to its end. */
function toBackendUnreachable(error: unknown, redact: Redact): BackendUnreachable {
  const notProcessed = error instanceof RequestNotSent;
  const reason = notProcessed ? error.cause : error;
  if (reason instanceof ProxyFailed) {
    return new BackendUnreachable(reason.message, {
      notProcessed: true,
      cause: copyWithoutSecrets(reason, redact),
    });
  }
  const code = firstCode(reason);
  const what = notProcessed
    ? "The backend cannot be reached"
    : "The connection to the backend broke";
  return new BackendUnreachable(code === null ? `${what}.` : `${what} (${code}).`, {
    notProcessed,
    cause: copyWithoutSecrets(reason, redact),
  });
}

/** The code nearest to the surface; `fetch` wraps the error that has it. */
function firstCode(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code !== null) return code;
  }
  return null;
}

/** A copy of an error and its causes that keeps names, codes and messages, and drops every other field. */
function copyWithoutSecrets(error: unknown, redact: Redact, depth = 4): Error {
  if (!(error instanceof Error)) return new Error(redact(String(error)));
  const copy = new Error(
    redact(error.message),
    error.cause === undefined || depth === 0
      ? undefined
      : { cause: copyWithoutSecrets(error.cause, redact, depth - 1) },
  );
  copy.name = error.name;
  const code = errorCode(error);
  return code === null ? copy : Object.assign(copy, { code });
}
