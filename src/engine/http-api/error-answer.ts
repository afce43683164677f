import { DatabaseFull, DatabaseLocked } from "../../database/locks.ts";
import type { ErrorBody } from "../../task-api/error-body.ts";
import { BudgetExceeded, QuotaExceeded } from "../tenants/admission.ts";
import { ApiError } from "./api-error.ts";

/** The header that carries an answer's `ref_id`, also where there is no error. */
export const REQUEST_ID_HEADER = "x-request-id";

/** What a caller may know of an error. */
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

/** An error as the API's body. Source: Task API, "Body formats" (a). */
export function toErrorBody({ message, detail }: ApiError, refId: string): ErrorBody {
  return { type: "error", error: { ref_id: refId, message, detail } };
}
