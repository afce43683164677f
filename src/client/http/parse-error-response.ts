import { type ValidationProblem, readErrorBody } from "../../task-api/error-body.ts";
import { cutText } from "../../text/cut-text.ts";
import { tryParseJson } from "../../text/json.ts";
import {
  BackendFailed,
  BackendTimedOut,
  CancelNotSupported,
  type ErrorFacts,
  EvidenceNotSupported,
  Forbidden,
  GroupCancelNotSupported,
  GroupNotFound,
  InsufficientCredit,
  InvalidRequest,
  ProcessorRefused,
  RateLimited,
  RequestRejected,
  RequestTooLarge,
  RunNotFound,
  RunStillActive,
  type TaskApiError,
  TurnedAwayByGateway,
  Unauthorized,
  UnreadableAnswer,
} from "../errors.ts";
import type { FetchResponse } from "./fetch.ts";
import { ClientLimits } from "../limits.ts";
import { readText } from "./read-response.ts";
import type { Redact } from "../../text/redact.ts";

/** The subject of the request, where the meaning of a status depends on it. */
export type Subject =
  | { kind: "create" | "list" | "create-group" }
  | { kind: "run" | "result" | "cancel" | "evidence"; runId: string }
  | { kind: "group" | "add-runs" | "cancel-group"; taskgroupId: string };

/** The error for an answer other than 2xx. Reads only the beginning of its body. Source: Task API, "Codes". */
export async function readErrorAnswer(
  response: FetchResponse,
  subject: Subject,
  { redact, now }: { redact: Redact; now: number },
): Promise<TaskApiError> {
  const { status } = response;
  const { text } = await readText(response.body, ClientLimits.errorBodyMaxBytes);
  const answer = readErrorBody(tryParseJson(text));
  const clean = (words: string) => cutText(redact(words), ClientLimits.upstreamTextMaxChars);
  const facts: ErrorFacts = {
    status,
    upstreamMessage: answer.message === null ? null : clean(answer.message),
    refId: answer.refId === null ? null : clean(answer.refId),
  };
  const retryAfterMs = readRetryAfter(response.headers, now);

  if (status < 400) {
    return new UnreadableAnswer(
      `The backend answered with status ${status}, which the Task API does not use. Check the base URL.`,
      facts,
    );
  }
  if (status >= 500) {
    return new BackendFailed(`The backend failed (status ${status}).`, { ...facts, retryAfterMs });
  }
  // These mean the same from a gateway; every other code counts only in the Task API's own words.
  const isPlain = status === 413 || status === 429;
  // Extensions that a backend may lack: that they are missing is no claim about a run.
  const isExtension = ["cancel", "cancel-group", "list", "evidence"].includes(subject.kind);
  const isMissing = isExtension && (status === 404 || status === 405);
  if (status === 408 && !answer.isTaskApi) {
    return new BackendTimedOut("The backend, or a gateway before it, gave up waiting.", facts);
  }
  if (!answer.isTaskApi && !isPlain && !isMissing) {
    return new TurnedAwayByGateway(
      `The request was turned away (status ${status}), but not in the words of the Task API: a firewall, proxy or gateway answered, or the base URL is wrong.`,
      facts,
    );
  }
  switch (status) {
    case 401:
      return new Unauthorized(
        "The backend did not accept the API key. Check that it is set.",
        facts,
      );
    case 402:
      return new InsufficientCredit("The account's credit does not cover this.", facts);
    case 403:
      return subject.kind === "create" || subject.kind === "add-runs"
        ? new ProcessorRefused("The backend refused this processor.", facts)
        : new Forbidden("The backend does not allow this.", facts);
    case 404:
    case 405:
      if (subject.kind === "cancel") return new CancelNotSupported(subject.runId, facts);
      if (subject.kind === "evidence") return new EvidenceNotSupported(subject.runId, facts);
      if (subject.kind === "cancel-group") {
        return new GroupCancelNotSupported(subject.taskgroupId, facts);
      }
      if (status === 404 && "runId" in subject) return new RunNotFound(subject.runId, facts);
      if (status === 404 && "taskgroupId" in subject) {
        return new GroupNotFound(subject.taskgroupId, facts);
      }
      return new RequestRejected(`The backend has no such endpoint (status ${status}).`, facts);
    case 408:
      return subject.kind === "result"
        ? new RunStillActive(subject.runId, facts)
        : new BackendTimedOut("The backend gave up waiting for the request.", facts);
    case 413:
      return new RequestTooLarge(
        "The request is larger than the backend takes (status 413). Send less at once.",
        facts,
      );
    case 422:
      return new InvalidRequest("The backend found fields of the request invalid (status 422).", {
        ...facts,
        problems: reduceProblems(answer.problems, clean),
      });
    case 429:
      return new RateLimited("The backend asks for fewer requests.", { ...facts, retryAfterMs });
    default:
      return new RequestRejected(`The backend rejected the request (status ${status}).`, {
        ...facts,
        problems: reduceProblems(answer.problems, clean),
      });
  }
}

/** Validators like to repeat the input next to a problem, and the input may hold secrets of its own. */
function reduceProblems(problems: ValidationProblem[], clean: Redact): ValidationProblem[] {
  return problems.slice(0, ClientLimits.problemsMax).map(({ type, loc, msg }) => ({
    type: clean(type),
    loc: loc.map((part) => (typeof part === "string" ? clean(part) : part)),
    msg: clean(msg),
  }));
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date; null when there is none that can be read. */
function readRetryAfter(headers: FetchResponse["headers"], now: number): number | null {
  const text = headers.get("retry-after");
  const candidates = [
    toNumber(headers.get("retry-after-ms")),
    toNumber(text) * 1_000,
    text === null ? Number.NaN : Date.parse(text) - now,
  ];
  const ms = candidates.find((candidate) => Number.isFinite(candidate));
  return ms === undefined ? null : Math.min(Math.max(ms, 0), ClientLimits.retryAfterMaxMs);
}

function toNumber(text: string | null): number {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
}
