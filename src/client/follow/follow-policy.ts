/** How a run is followed: what is tried, and for how long. */
export interface FollowPolicy {
  /** The `timeout` of one long poll. */
  longPollSeconds: number;
  /** While the stream does not work, it is tried again this often. */
  streamAgainAfterMs: number;
  /** A stream that ends after at least this long is opened again at once: its time window was over. */
  longStreamMs: number;
  /** Pauses between plain polls: doubling from the first to the last while nothing else works. */
  firstDelayMs: number;
  maxDelayMs: number;
  jitter: number;
  /** A longer `Retry-After` is cut to this: a caller is waiting. */
  retryAfterMaxMs: number;
  /** A server that answers a long poll sooner does not support it. */
  minLongPollMs: number;
  /**
   * For this many runs the progress is stored after their last watcher left, so that it does not fall for the next one.
   */
  rememberedRuns: number;
}

export const defaultFollowPolicy: FollowPolicy = {
  // Shorter than the idle limits of common proxies (30 s and up), long enough to be cheap.
  longPollSeconds: 25,
  // Long polls see the end of a run as fast as a stream does; only progress is missing meanwhile.
  streamAgainAfterMs: 60_000,
  // The API closes streams after 570 s and proxies rarely before 60 s; below half of that something is wrong.
  longStreamMs: 30_000,
  // A restarted backend is noticed within a second or two; one that stays down gets two requests a minute.
  firstDelayMs: 1_000,
  maxDelayMs: 30_000,
  jitter: 0.25,
  // Quotas of the API are counted per minute.
  retryAfterMaxMs: 120_000,
  minLongPollMs: 1_000,
  // Far more runs than one person's agents keep in flight, at some 10 kB each.
  rememberedRuns: 100,
};
