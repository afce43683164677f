/** What a caller may use of the API, in one place. Tests lower some of them. */
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

/**
 * How deep objects and lists of a body may be nested. An output schema of five levels takes some twenty; what goes
 * through every level by calling itself (schemas are read and written that way) fails after several thousand.
 */
export const MAX_BODY_LEVELS = 100;

/** How the server treats connections, before any request reaches the API. */
export interface ConnectionLimits {
  /** The largest request line and headers together. */
  headerBytes: number;
  /** How long a client may take to send its headers. */
  headersMs: number;
  /** How long a client may take to send a whole request. Waiting for the answer does not count. */
  requestMs: number;
  /** How often the two above are checked. */
  checkMs: number;
  /** How long a connection without a request stays open. */
  keepAliveMs: number;
  /** How long a client may leave what was sent to it unread. */
  unreadMs: number;
  /** A client that reads more slowly counts as one that does not read. */
  slowestBytesPerSecond: number;
  /** How many connections may wait to be accepted. */
  backlog: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  // Node's own default: an API key, a few betas and a browser's cookies for the same host fit several times.
  headerBytes: 16 * 1024,
  // Headers are one packet or two; whoever needs longer holds connections open on purpose.
  headersMs: 15_000,
  // 32 MiB, the largest body, in 2 min is 2 Mbit/s.
  requestMs: 120_000,
  checkMs: 5_000,
  // Longer than the 60 s of common load balancers: of the two, the one behind must not close first.
  keepAliveMs: 75_000,
  // A laptop that sleeps for a moment, or a bad mobile network, comes back within a minute; then its client replays.
  unreadMs: 60_000,
  // Slower than the worst mobile network; the largest outputs, some megabytes, still end within minutes.
  slowestBytesPerSecond: 16 * 1024,
  // After a restart, everybody who was waiting comes back at once. Linux allows this many unless it is told otherwise
  // (`net.core.somaxconn`); with Node's 511, thousands of long polls that arrive together lose connections.
  backlog: 4_096,
};
