/** How a server treats connections, before any request is handled. */
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
  idleMs: number;
  /** How long a client may leave what was sent to it unread. */
  unreadMs: number;
  /** A client that reads more slowly counts as one that does not read. */
  slowestBytesPerSecond: number;
  /** How many connections may wait to be accepted. */
  backlog: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  // Node's own default: an API key or a JWT of 8 KiB, and a browser's cookies for the same host, fit.
  headerBytes: 16 * 1024,
  // Headers are one packet or two; a client that needs longer holds connections open on purpose.
  headersMs: 15_000,
  // 32 MiB, the largest body, in 2 min is 2 Mbit/s.
  requestMs: 120_000,
  checkMs: 5_000,
  // Longer than the 60 s of common load balancers: of the two, the one behind must not close first.
  idleMs: 75_000,
  // A laptop that sleeps for a moment, or a bad mobile network, comes back within a minute; a later client asks again.
  unreadMs: 60_000,
  // Slower than the worst mobile network; the largest outputs, some megabytes, still end within minutes.
  slowestBytesPerSecond: 16 * 1024,
  // After a restart all waiting clients reconnect at once. This is Linux's default maximum (`net.core.somaxconn`); with
  // Node's 511, connections get lost when thousands of calls arrive together.
  backlog: 4_096,
};
