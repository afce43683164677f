import { DatabaseFull, DatabaseLocked } from "../../database/locks.ts";
import type { ErrorBody, ValidationList } from "../../task-api/error-body.ts";
import { BudgetExceeded, QuotaExceeded } from "../tenants/admission.ts";
import { ApiError } from "./api-error.ts";
import type { Profile } from "./profile.ts";

/** Converts an error to the part of it that a caller may see. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DatabaseLocked || error instanceof DatabaseFull) {
    return new ApiError(503, error.message, { headers: { "retry-after": "1" } });
  }
  if (error instanceof BudgetExceeded) return new ApiError(402, error.message);
  if (error instanceof QuotaExceeded) {
    return new ApiError(429, error.message, {
      headers: { "retry-after": String(error.retryAfterSeconds) },
    });
  }
  return new ApiError(500, "Internal error; the log has its cause under this ref_id");
}

/** An error as the API's body. Source: Task API, "Body formats" (a), and (b) for the group endpoints of the hosted API. */
export function toAnswerBody(
  error: ApiError,
  refId: string,
  { profile, path }: { profile: Profile; path: string },
): ErrorBody | ValidationList {
  const isPlainList = profile === "hosted" && error.status === 422 && IS_OF_GROUPS.test(path);
  return isPlainList
    ? { detail: error.problems.map((problem) => ({ ...problem })) }
    : toErrorBody(error, refId);
}

const IS_OF_GROUPS = /^\/v1(?:beta)?\/tasks\/groups(?:\/|$)/;

/** The body of every error elsewhere. */
export function toErrorBody({ message, detail }: ApiError, refId: string): ErrorBody {
  return { type: "error", error: { ref_id: refId, message, detail } };
}
