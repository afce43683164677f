import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  TaskApiError,
} from "../../client/errors.ts";
import type { RetryPolicy } from "../../client/http/retry-policy.ts";
import type { TaskApiClient } from "../../client/task-api-client.ts";

/** An id that no backend gives to a run: reading it is the cheapest request. */
export const NO_RUN = "trun_00000000000000000000000000000000";

/** No retries: a health check must report the present state. */
export const ASK_ONCE: RetryPolicy = {
  maxAttempts: 1,
  budgetMs: 0,
  firstDelayMs: 0,
  maxDelayMs: 0,
  jitter: 0,
};

/** Resolves when the backend answers, even if it wants another key. Throws why it does not answer. */
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
