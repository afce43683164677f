import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  TaskApiError,
} from "../../client/errors.ts";
import type { RetryPolicy } from "../../client/http/retry-policy.ts";
import type { TaskApiClient } from "../../client/task-api-client.ts";

/** No backend has ever given this id to a run: asking for it is the cheapest question there is. */
export const NO_RUN = "trun_00000000000000000000000000000000";

/** Who asks whether a backend is there wants to know about now. */
export const ASK_ONCE: RetryPolicy = {
  maxAttempts: 1,
  budgetMs: 0,
  firstDelayMs: 0,
  maxDelayMs: 0,
  jitter: 0,
};

/** Resolves when the backend answers at all, be it that it wants another key. Throws why it does not. */
export async function reachBackend(client: TaskApiClient, signal: AbortSignal): Promise<void> {
  try {
    await client.retrieveRun(NO_RUN, { signal });
  } catch (error) {
    const isAway =
      error instanceof BackendUnreachable ||
      error instanceof BackendTimedOut ||
      error instanceof BackendFailed;
    if (isAway || !(error instanceof TaskApiError)) throw error;
  }
}
