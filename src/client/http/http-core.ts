import type { Logger } from "pino";
import { cutText } from "../../text/cut-text.ts";
import { tryParseJson } from "../../text/json.ts";
import { type Subject, readErrorAnswer } from "./parse-error-response.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Contract } from "./schema.ts";
import { type Deadline, startDeadline } from "../../runtime/deadline.ts";
import { BackendTimedOut, TaskApiError, UnreadableAnswer } from "../errors.ts";
import { createEventReader } from "./event-stream.ts";
import { type Fetch, type FetchInit, type FetchResponse, RequestNotSent } from "./fetch.ts";
import { ClientLimits } from "../limits.ts";
import { readText } from "./read-body.ts";
import { type RetryPolicy, retryDelayMs } from "./retry-policy.ts";
import { type Redact, createRedact } from "../../text/redact.ts";
import { traceHeaders } from "./trace-context.ts";
import { toBackendUnreachable } from "./transport-error.ts";

/** One request, and what is known about it beyond HTTP. */
export interface Call {
  method: FetchInit["method"];
  /** Appended to the base URL, with its query. */
  path: string;
  body?: string;
  headers?: Record<string, string>;
  subject: Subject;
  /** See `FailedAttempt.repeatable`; a function is asked when it matters, which is when an outcome is unknown. */
  repeatable: boolean | ((signal: AbortSignal | undefined) => Promise<boolean>);
  /** See `FailedAttempt.isAnswerVital`; false by default. */
  isAnswerVital?: boolean;
  /** What of the request, besides the API key, no error may repeat. */
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

/** The Task API in use, as something that answers calls. */
export interface TaskApiHttp {
  /** The answer, if it fits the contract. Throws the classes of `errors.ts`, or the signal's reason. */
  read<T>(call: Call, contract: Contract<T>, signal: AbortSignal | undefined): Promise<T>;
  /** The events of a stream, until it ends. The call is asked for when they are. Throws the same; `BackendTimedOut` when it falls silent. */
  stream<Event>(
    describeCall: () => StreamCall,
    contract: Contract<Event>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Event, void>;
}

export function createTaskApiHttp(options: {
  baseUrl: string;
  headers: Record<string, string>;
  fetch: Fetch;
  /** What no error may repeat: the API key. */
  secrets: readonly string[];
  retryPolicy: RetryPolicy;
  clock: Clock;
  log: Logger | undefined;
}): TaskApiHttp {
  const { baseUrl, fetch, retryPolicy, clock, log } = options;
  const redactFor = (call: Call) => createRedact([...options.secrets, ...(call.secrets ?? [])]);

  /** Sends once. Resolves to a 2xx answer whose body is not read yet. */
  async function send(call: Call, accept: string, signal: AbortSignal): Promise<FetchResponse> {
    const response = await fetch(baseUrl + call.path, {
      method: call.method,
      headers: {
        accept,
        ...options.headers,
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

  /** What the caller should see of a failure: its own abort first, then our deadline, then what went wrong. */
  function explain(
    error: unknown,
    call: Call,
    deadline: Deadline,
    signal: AbortSignal | undefined,
  ): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (deadline.hasPassed()) {
      return new BackendTimedOut("The backend did not answer within the time limit.", {
        notProcessed: error instanceof RequestNotSent,
      });
    }
    return error instanceof TaskApiError ? error : toBackendUnreachable(error, redactFor(call));
  }

  async function withRetries<T>(
    call: Call,
    signal: AbortSignal | undefined,
    attemptOnce: () => Promise<T>,
  ): Promise<T> {
    const startedAt = clock.elapsedMs();
    /** Of a create: an earlier attempt may have been accepted, whatever the last one meets. */
    let inDoubt: TaskApiError | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        signal?.throwIfAborted();
        return await attemptOnce();
      } catch (error) {
        const decide = (repeatable: boolean) =>
          retryDelayMs(retryPolicy, {
            error,
            repeatable,
            isAnswerVital: call.isAnswerVital ?? false,
            attempt,
            elapsedMs: clock.elapsedMs() - startedAt,
          });
        let delayMs = decide(call.repeatable === true);
        if (delayMs === null && typeof call.repeatable === "function" && decide(true) !== null) {
          delayMs = decide(await call.repeatable(signal));
        }
        if (typeof call.repeatable === "function" && error instanceof TaskApiError) {
          if (!error.notProcessed) inDoubt = error;
          if (delayMs === null) throw inDoubt ?? error;
        }
        if (delayMs === null) throw error;
        log?.debug({ err: error, attempt, delayMs }, "repeating a call to the backend");
        await clock.sleep(delayMs, signal);
      }
    }
  }

  return {
    read: (call, contract, signal) =>
      withRetries(call, signal, async () => {
        const deadline = startDeadline({ clock, ms: call.timeoutMs, signal });
        try {
          const response = await send(call, "application/json", deadline.signal);
          return await readAnswer(response, contract, redactFor(call));
        } catch (error) {
          throw explain(error, call, deadline, signal);
        } finally {
          deadline.clear();
        }
      }),

    async *stream(describeCall, contract, signal) {
      const call = describeCall();
      const { chunks, deadline } = await withRetries(call, signal, async () => {
        const opening = startDeadline({
          clock,
          ms: call.timeoutMs,
          totalMs: call.totalMs,
          signal,
        });
        try {
          const response = await send(call, "text/event-stream", opening.signal);
          return { chunks: eventStreamOf(response), deadline: opening };
        } catch (error) {
          opening.clear();
          opening.abort();
          throw explain(error, call, opening, signal);
        }
      });
      try {
        const read = createEventReader(contract, log);
        for await (const chunk of chunks) {
          deadline.touch(call.silenceMs);
          yield* read(chunk);
        }
      } catch (error) {
        throw explain(error, call, deadline, signal);
      } finally {
        deadline.clear();
        deadline.abort();
      }
    },
  };
}

async function readAnswer<T>(
  response: FetchResponse,
  contract: Contract<T>,
  redact: Redact,
): Promise<T> {
  const { status } = response;
  const { text, isCut } = await readText(response.body, ClientLimits.answerMaxBytes);
  if (isCut) {
    throw new UnreadableAnswer("The backend's answer is larger than any run's output.", { status });
  }
  const body = tryParseJson(text);
  if (body === undefined) {
    throw new UnreadableAnswer("The backend's answer is not JSON. Check the base URL.", { status });
  }
  const answer = contract.safeParse(body);
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  const where = cutText(redact(issue?.path.map(String).join(".") ?? ""), 100);
  throw new UnreadableAnswer(
    `The backend's answer is not what the Task API sends (at "${where}"). Check the base URL.`,
    { status },
  );
}

function eventStreamOf({ status, headers, body }: FetchResponse): AsyncIterable<Uint8Array> {
  const type = headers.get("content-type") ?? "";
  if (body === null || !/^text\/event-stream\b/i.test(type)) {
    throw new UnreadableAnswer("The backend's answer is not an event stream.", { status });
  }
  return body;
}
