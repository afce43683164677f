/** How webhooks are delivered. Source: Task API, "Retries" (5 s, doubling, over 48 h); the rest is undocumented there. */
export const DELIVERY_POLICY = {
  /** Receivers answer at once and work afterwards; the usual limit of webhook senders is 5 to 30 s. */
  attemptMs: 10_000,
  /** An attempt and the time to record how it ended: the longest time a webhook stands still after its engine was killed. */
  leaseMs: 20_000,
  firstRetryMs: 5_000,
  /** A retry that would come later than this after the run's end is not made. */
  retryWindowMs: 48 * 60 * 60 * 1_000,
  /** Each delay is up to a tenth longer or shorter, so that what failed together does not come back together. */
  jitter: 0.1,
  /** Attempts mostly wait for an answer, so many at once cost little. */
  atOnce: 32,
  /** One slow receiver holds an eighth of the places; a fast one gets hundreds of webhooks a second. */
  atOncePerReceiver: 4,
} as const;

/** When the attempt after a failed one is due, in epoch milliseconds; null when it is time to give up. */
export function nextAttemptMs(
  { attempts, createdMs }: { attempts: number; createdMs: number },
  nowMs: number,
  random: () => number = Math.random,
): number | null {
  const { firstRetryMs, jitter, retryWindowMs } = DELIVERY_POLICY;
  const delayMs = firstRetryMs * 2 ** (attempts - 1) * (1 + jitter * (2 * random() - 1));
  const next = Math.floor(nowMs + delayMs);
  return next > createdMs + retryWindowMs ? null : next;
}
