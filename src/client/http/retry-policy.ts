import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import {
  BackendFailed,
  BackendUnreachable,
  RateLimited,
  TaskApiError,
  UnreadableAnswer,
} from "../errors.ts";

/** How often and how long a call is repeated before its error reaches the caller. */
export interface RetryPolicy {
  /** Requests per call, the first included. */
  maxAttempts: number;
  /** No attempt begins later than this after the first one began. */
  budgetMs: number;
  firstDelayMs: number;
  maxDelayMs: number;
  /** The share of a delay that is left to chance, so that many clients do not come back in step. */
  jitter: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  // Pauses of 0.5, 1 and 2 s ride out a restart behind a load balancer.
  maxAttempts: 4,
  // An agent's call has about 30 s in the strictest clients; half of it may go into repeats.
  budgetMs: 15_000,
  firstDelayMs: 500,
  maxDelayMs: 8_000,
  jitter: 0.25,
};

export interface FailedAttempt {
  error: unknown;
  /** The call may be sent again although the backend may have acted on it: reads, and a cancel. */
  repeatable: boolean;
  /**
   * An answer that cannot be read is requested again: the answer to a create has the id of the run that was paid for.
   */
  isAnswerVital?: boolean;
  /** 1 for the first attempt. */
  attempt: number;
  elapsedMs: number;
}

/** The properties of a call that decide whether it is repeated. */
export interface RetryableCall {
  /** See {@link FailedAttempt}. A function is called only when an outcome is unknown. */
  repeatable: boolean | ((signal: AbortSignal | undefined) => Promise<boolean>);
  /** See {@link FailedAttempt}; false by default. */
  isAnswerVital?: boolean;
}

/** Attempts a call until it succeeds or the policy gives up; then throws the error, or the signal's reason. */
export async function withRetries<T>(
  { repeatable, isAnswerVital = false }: RetryableCall,
  {
    policy,
    clock,
    log,
    signal,
  }: {
    policy: RetryPolicy;
    clock: Clock;
    log: Logger | undefined;
    signal: AbortSignal | undefined;
  },
  attemptOnce: () => Promise<T>,
): Promise<T> {
  const startedAt = clock.elapsedMs();
  /** For a create: an earlier attempt may have been accepted, whatever error the last one gets. */
  let inDoubt: TaskApiError | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal?.throwIfAborted();
      return await attemptOnce();
    } catch (error) {
      const decide = (isRepeatable: boolean) =>
        retryDelayMs(policy, {
          error,
          repeatable: isRepeatable,
          isAnswerVital,
          attempt,
          // Read each time: asking `repeatable` takes time, too.
          elapsedMs: clock.elapsedMs() - startedAt,
        });
      let delayMs = decide(repeatable === true);
      if (delayMs === null && typeof repeatable === "function" && decide(true) !== null) {
        delayMs = decide(await repeatable(signal));
      }
      if (typeof repeatable === "function" && error instanceof TaskApiError) {
        if (!error.notProcessed) inDoubt = error;
        if (delayMs === null) throw inDoubt ?? error;
      }
      if (delayMs === null) throw error;
      log?.debug({ err: error, attempt, delayMs }, "repeating a call to the backend");
      await clock.sleep(delayMs, signal);
    }
  }
}

/**
 * How long to wait before the next attempt, or null to give up. A call that is not repeatable (a create costs money)
 * is sent again only when the backend surely did not accept it. A `Retry-After` is honoured in full or, when it does
 * not fit the budget, not waited for at all.
 */
export function retryDelayMs(policy: RetryPolicy, failed: FailedAttempt): number | null {
  const { error, repeatable, isAnswerVital = false, attempt, elapsedMs } = failed;
  if (!(error instanceof TaskApiError)) return null;
  const isCut = isAnswerVital && error instanceof UnreadableAnswer && !error.notProcessed;
  if (!isCut && !isRetryable(error)) return null;
  if (!repeatable && !error.notProcessed) return null;
  if (attempt >= policy.maxAttempts) return null;
  const delayMs = Math.max(backoffMs(policy, attempt), error.retryAfterMs ?? 0);
  return elapsedMs + delayMs <= policy.budgetMs ? delayMs : null;
}

/** The pause after the given failure (1 for the first): doubling, capped, shortened by chance. */
export function backoffMs(
  policy: Pick<RetryPolicy, "firstDelayMs" | "maxDelayMs" | "jitter">,
  failures: number,
): number {
  const full = Math.min(policy.firstDelayMs * 2 ** (failures - 1), policy.maxDelayMs);
  return Math.round(full * (1 - policy.jitter * Math.random()));
}

/** Whether a call is repeated at once. Not after a timeout: it has used up the caller's patience already. */
function isRetryable(error: TaskApiError): boolean {
  return (
    error instanceof BackendUnreachable ||
    error instanceof RateLimited ||
    error instanceof BackendFailed
  );
}
