import { Agent, fetch } from "undici";
import type { Fetch } from "./fetch.ts";
import { ClientLimits } from "./limits.ts";

/** A connection that takes longer than this to stand is reported as unreachable. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The client bounds every exchange itself; this only catches what it would miss, so it lies beyond the longest. */
const HEADERS_TIMEOUT_MS =
  ClientLimits.longPollMaxSeconds * 1_000 + 2 * ClientLimits.longPollGraceMs;

export interface UndiciFetch {
  fetch: Fetch;
  /** Ends the requests under way and closes every connection. */
  close(): Promise<void>;
}

/** Requests over the network, with connections of their own: no other code's limits or proxies apply to them. */
export function createUndiciFetch(): UndiciFetch {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: HEADERS_TIMEOUT_MS,
    // The client watches streams for silence; undici's own limit of 300 s would cut quiet ones.
    bodyTimeout: 0,
  });
  return {
    fetch: (url, init) => fetch(url, { ...init, redirect: "manual", dispatcher: agent }),
    close: () => agent.destroy(),
  };
}
