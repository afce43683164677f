/** What one outgoing request may take. Requests may ask for less, never for more. */
export const OUTGOING_LIMITS = {
  /** From the first byte sent to the last byte read, redirects included: a tool that searches the web takes seconds. */
  timeoutMs: 60_000,
  /** A host that does not accept a connection in this time is down; DNS is not counted. */
  connectMs: 10_000,
  /**
   * Of the body, on the wire and after decompression. Every run may have ten servers and every process several runs;
   * and hostile JSON of this size holds up the process for about a second. A page of text has far less.
   */
  responseBytes: 2 * 1024 * 1024,
  /** As many as browsers' users ever meet on a working site; a longer chain is a loop. */
  redirects: 5,
} as const;
