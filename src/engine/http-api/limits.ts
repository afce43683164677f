/** All limits of the API for callers. Tests lower some of them. */
export interface ApiLimits {
  /** The largest body of every POST but the next one. */
  bodyBytes: number;
  /** The largest body that adds runs to a group. */
  groupRunsBodyBytes: number;
  /** How many event streams a tenant may have open in this process. */
  streamsPerTenant: number;
  /** How long the stream of a run's events stays open; then it is closed with a state event. */
  streamWindowMs: number;
  /** How often an idle stream carries a comment. */
  streamKeepAliveMs: number;
}

const MIB = 1024 * 1024;

export const API_LIMITS: ApiLimits = {
  // A task spec and its input have at most 25,000 characters together; the rest of a run input is small.
  bodyBytes: MIB,
  // 1,000 inputs of 25,000 characters are 25 MB; the rest is room for what else they carry.
  groupRunsBodyBytes: 32 * MIB,
  // A stream costs some 30 kB and a query for each change of its run; one tenant must not take the process for itself.
  streamsPerTenant: 1_000,
  // Source: Task API, 9.3.
  streamWindowMs: 570_000,
  // Proxies commonly cut idle connections at 30 or 60 s.
  streamKeepAliveMs: 15_000,
};
