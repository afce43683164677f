import { CONNECTION_LIMITS, type ConnectionLimits } from "../../http-server/connection-limits.ts";
import { MAX_JSON_LEVELS } from "../../http-server/json-depth.ts";

/** All limits of the server for callers and connections. Tests lower some of them. */
export interface HttpLimits extends ConnectionLimits {
  /** The largest body of a request. */
  bodyBytes: number;
  /** The largest body of a webhook. */
  webhookBytes: number;
  /** How deep objects and lists of a body may be nested. */
  bodyLevels: number;
  /** How many calls a principal may have open. */
  openCallsPerPrincipal: number;
  /** How many connections may be open; more are closed at once. */
  connections: number;
  /** An answer that takes longer than this becomes a stream. */
  streamAfterMs: number;
  /** How often a silent stream carries a comment. */
  keepAliveMs: number;
  /** How long the readiness check waits for the backend's answer. */
  reachMs: number;
  /** How long what it answered counts. */
  reachedForMs: number;
}

export const HTTP_LIMITS: HttpLimits = {
  ...CONNECTION_LIMITS,
  // When thousands come back at once, this process may need many seconds to read their headers, and that counts, too:
  // 15 s cut some of 2,000 that had sent everything.
  headersMs: 60_000,
  // Answers are small and accumulate while they are not read, so their size gives no extra time.
  slowestBytesPerSecond: Number.POSITIVE_INFINITY,
  // A thousand inputs of a group with their specs; the SDK's own default.
  bodyBytes: 4 * 1024 * 1024,
  // A webhook names a run and its status; an error's words are the longest part.
  webhookBytes: 256 * 1024,
  bodyLevels: MAX_JSON_LEVELS,
  // Half of all connections: one principal must not take the process for itself.
  openCallsPerPrincipal: 2_048,
  // 4,096 waiting calls take some 250 MB.
  connections: 4_096,
  // Plain reads take less than this. Slower answers become streams, because some proxies give up when no headers arrive
  // for some seconds.
  streamAfterMs: 1_000,
  // Proxies commonly cut idle connections at 30 or 60 s.
  keepAliveMs: 15_000,
  // Another continent answers in less than one second.
  reachMs: 2_000,
  // Probes come about every 10 s, so each gets a fresh result, and several load balancers share one check.
  reachedForMs: 5_000,
};

/** The default limit of requests per minute for one principal: more than any agent makes, far less than an attack. */
export const REQUESTS_PER_MINUTE = 6_000;
