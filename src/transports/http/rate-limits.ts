import { rateLimited } from "./http-error.ts";
import type { AuthenticatedPrincipal } from "./principal.ts";

/** How fast, and how many calls at once, each principal may make. */
export interface RateLimits {
  /** Subtracts `cost` requests from the principal's quota. Throws a 429 with the time to wait when too few are left. */
  take(principal: AuthenticatedPrincipal, cost: number): void;
  /** Counts a call as open until the returned function is called. Throws a 429 when there are too many. */
  open(principal: AuthenticatedPrincipal): () => void;
}

const MINUTE_MS = 60_000;
/** Principals that were remembered, and have rested, are forgotten when there are more than this. */
const REMEMBERED = 10_000;
/** A call ends within a minute or so. */
const RETRY_OPEN_SECONDS = 10;

interface Bucket {
  tokens: number;
  /** When it was filled last. */
  at: number;
  /** The capacity of the bucket and its refill per minute: after a pause, a minute's requests may come at once. */
  size: number;
}

export function createRateLimits(options: {
  elapsedMs: () => number;
  openCalls: number;
}): RateLimits {
  const { elapsedMs, openCalls } = options;
  const buckets = new Map<string, Bucket>();
  const open = new Map<string, number>();

  function fill(bucket: Bucket, nowMs: number): void {
    const flown = ((nowMs - bucket.at) / MINUTE_MS) * bucket.size;
    bucket.tokens = Math.min(bucket.size, bucket.tokens + flown);
    bucket.at = nowMs;
  }

  /** A full bucket is as good as none. */
  function forgetRested(nowMs: number): void {
    for (const [id, bucket] of buckets) {
      fill(bucket, nowMs);
      if (bucket.tokens >= bucket.size) buckets.delete(id);
    }
  }

  return {
    take({ id, requestsPerMinute: size }, cost) {
      const nowMs = elapsedMs();
      if (buckets.size > REMEMBERED) forgetRested(nowMs);
      const bucket = buckets.get(id) ?? { tokens: size, at: nowMs, size };
      buckets.set(id, bucket);
      fill(bucket, nowMs);
      // The principal's limit can change while this process runs.
      bucket.size = size;
      // More than fits at all is let through when the bucket is full, instead of never.
      const wanted = Math.min(cost, size);
      if (bucket.tokens < wanted) {
        const seconds = Math.ceil(((wanted - bucket.tokens) / size) * 60);
        throw rateLimited(
          `Too many requests: ${size} a minute are allowed. Come again in ${seconds} s.`,
          seconds,
        );
      }
      bucket.tokens -= wanted;
    },
    open({ id }) {
      const count = open.get(id) ?? 0;
      if (count >= openCalls) {
        throw rateLimited(
          `Too many open calls: ${openCalls} are allowed. Wait for some of them to end.`,
          RETRY_OPEN_SECONDS,
        );
      }
      open.set(id, count + 1);
      return () => {
        const left = (open.get(id) ?? 1) - 1;
        if (left === 0) open.delete(id);
        else open.set(id, left);
      };
    },
  };
}
