/** Every timeout and size limit of the client. */
export const ClientLimits = {
  /** Giving up on a create leaves it in doubt; half a minute also covers a cold start behind a proxy. */
  callTimeoutMs: 30_000,
  /** The API answers reads in well under a second; one that is given up loses nothing. */
  readTimeoutMs: 10_000,
  /** A thousand inputs may be 25 MB and as many runs to store; giving up early leaves all of them in doubt. */
  addRunsTimeoutMs: 60_000,
  /** The server's default, and the largest wait any source vouches for. Source: Task API, "Getting the result". */
  longPollMaxSeconds: 600,
  /** A long poll answers when its time is up; the rest is for the network and a busy server. */
  longPollGraceMs: 10_000,
  /** A stream begins with a state, at once. When nothing comes for this long, a proxy on the way buffers it. */
  streamOpeningMs: 10_000,
  /** Servers that send keep-alive comments send them several times a minute: a silent minute is a dead connection. */
  streamSilenceMs: 60_000,
  /** The server has the whole list in memory, so it takes less than this to send. */
  listMs: 20_000,
  /** Documented results reach 600 citations, under 2 MiB; far more than that would only exhaust memory. */
  answerMaxBytes: 32 * 1024 * 1024,
  /** The last state event carries the whole output, so a frame may be as large as an answer. */
  frameMaxChars: 32 * 1024 * 1024,
  /** An error body is read for its message only; a gateway's HTML page is cut here. */
  errorBodyMaxBytes: 64 * 1024,
  /** Enough for any message a person wrote; the rest would only fill an agent's context. */
  upstreamTextMaxChars: 500,
  /** More problems than this do not help to correct a request. */
  problemsMax: 50,
  /** The quota of an account without an agreement of its own. Source: Task API, "Rate limits". */
  inputsPerMinute: 2_000,
  /** The quota is per minute; a second more, because a request may reach the server later than the one after it. */
  quotaWindowMs: 61_000,
  /** A create that the quota holds back longer fails: MCP clients give up on a call after about a minute. */
  holdMaxMs: 25_000,
  /** The longest key that our engine accepts. */
  idempotencyKeyMaxChars: 255,
  /** A longer Retry-After is reported as an hour: no call waits that long. */
  retryAfterMaxMs: 3_600_000,
} as const;
