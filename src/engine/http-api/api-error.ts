import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ZodError } from "zod";
import type { JsonObject } from "../../task-api/task-spec.ts";

/** An answer other than success, in the words the API uses. Source: Task API, "Codes". */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ContentfulStatusCode;
  readonly detail: JsonObject | null;
  readonly headers: Record<string, string>;
  /** The problems of a request that does not fit its schema; empty for all other errors. */
  readonly problems: readonly FieldProblem[];

  constructor(
    status: ContentfulStatusCode,
    message: string,
    options: {
      detail?: JsonObject;
      headers?: Record<string, string>;
      problems?: readonly FieldProblem[];
      cause?: unknown;
    } = {},
  ) {
    super(message, options);
    this.status = status;
    this.detail = options.detail ?? null;
    this.headers = options.headers ?? {};
    this.problems = options.problems ?? [];
  }
}

export const runNotFound = () => new ApiError(404, "Run id not found");
export const groupNotFound = () => new ApiError(404, "TaskGroup not found");

/** One problem of a request: where it is (`loc`) and what to do about it (`msg`). */
export interface FieldProblem {
  type: string;
  loc: (string | number)[];
  msg: string;
}

/** 422 with every problem at once; the message repeats them for clients that show only the message. */
export function unprocessable(
  problems: readonly FieldProblem[],
  detail: JsonObject = {},
): ApiError {
  const text = problems.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
  return new ApiError(422, `Unprocessable content: request validation error: ${text}`, {
    detail: { errors: problems, ...detail },
    problems,
  });
}

/** Converts schema errors of a value to field problems; `where` is the path of the value in the request. */
export function problemsOf(error: ZodError, where: (string | number)[]): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        type: "extra_forbidden",
        loc: [...where, ...path, key],
        msg: "the API knows no such field; remove it",
      }));
    }
    return [{ type: issue.code, loc: [...where, ...path], msg: issue.message }];
  });
}
