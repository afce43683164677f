import type { Logger } from "pino";
import { Agent, fetch, type Response as UndiciResponse } from "undici";
import { systemClock } from "../../runtime/clock.ts";
import { type Deadline, startDeadline } from "../../runtime/deadline.ts";
import { toBoundedResponse } from "./bounded-response.ts";
import { createGuardedConnector, type ResolveHost } from "./guarded-connector.ts";
import { readNetworks } from "./networks.ts";
import {
  AddressRefused,
  HostUnreachable,
  OutgoingClosed,
  OutgoingRequestError,
  RequestInvalid,
  RequestTimedOut,
  ResponseTooLarge,
  TooManyRedirects,
} from "./outgoing-errors.ts";

/** The limits of one outgoing request. A request may set lower limits, never higher ones. */
export const OUTGOING_LIMITS = {
  /** From the first byte sent to the last byte read, redirects included: a tool that searches the web takes seconds. */
  timeoutMs: 60_000,
  /** A host that does not accept a connection in this time is down; DNS is not counted. */
  connectMs: 10_000,
  /**
   * The limit for the body, on the wire and after decompression. Every run may have ten servers and every process
   * several runs, and hostile JSON of this size blocks the process for about a second. A page of text has far less.
   */
  responseBytes: 2 * 1024 * 1024,
  /** Working sites need fewer; a longer chain is a loop. */
  redirects: 5,
} as const;

export interface OutgoingRequest {
  method?: string;
  headers?: Headers | Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
  /**
   * Follows redirects, each checked like the first address. Another origin gets none of the headers that may be
   * credentials. Without it a redirect is the answer.
   */
  followRedirects?: boolean;
  /** The time for the whole exchange, with the body. At most {@link OUTGOING_LIMITS}, which is the default. */
  timeoutMs?: number;
  /** The limit for the body after decompression. At most {@link OUTGOING_LIMITS}, which is the default. */
  maxResponseBytes?: number;
  /** Called with the error when reading the body fails, for callers that pass the body on. */
  onBodyFailure?(error: unknown): void;
}

/**
 * Throws an {@link OutgoingRequestError}, or the reason of `signal`; reading the body may throw the same. The time
 * limit also ends a body that is not read; a caller that does not need the body cancels it.
 */
export type FetchFromRun = (url: string | URL, request?: OutgoingRequest) => Promise<Response>;

/** Requests to addresses that a run supplies, which may aim at services that only this machine can reach (SSRF). */
export interface GuardedFetch {
  fetch: FetchFromRun;
  /** Ends the requests under way and closes every connection. */
  close(): Promise<void>;
}

/**
 * Builds the only fetch for addresses that runs supply: only http and https, only to public addresses and the given
 * networks, with limits on size and time. A proxy of the environment is not used: it would resolve names itself,
 * behind the check. Throws `BadNetwork`.
 */
export function createGuardedFetch({
  allowNetworks,
  log,
  resolveHost,
}: {
  /** Networks in CIDR notation whose every address and port may be reached. */
  allowNetworks: readonly string[];
  log: Logger;
  resolveHost?: ResolveHost;
}): GuardedFetch {
  const networks = readNetworks(allowNetworks);
  const connect = createGuardedConnector({
    networks,
    connectMs: OUTGOING_LIMITS.connectMs,
    resolveHost,
  });
  const agent = new Agent({
    connect,
    // Counted before decompression: it also bounds a body that decompresses to nothing.
    maxResponseSize: OUTGOING_LIMITS.responseBytes,
    // Every exchange has its own limit, which covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const underWay = new Set<Deadline>();
  let isClosed = false;

  async function fetchFromRun(
    address: string | URL,
    request: OutgoingRequest = {},
  ): Promise<Response> {
    const url = readUrl(address);
    const headers = readHeaders(url, request.headers);
    const timeoutMs = Math.min(request.timeoutMs ?? Infinity, OUTGOING_LIMITS.timeoutMs);
    const maxBytes = Math.min(request.maxResponseBytes ?? Infinity, OUTGOING_LIMITS.responseBytes);

    if (isClosed) throw new OutgoingClosed();
    request.signal?.throwIfAborted();
    const deadline = startDeadline({ clock: systemClock, ms: timeoutMs, signal: request.signal });
    const { signal } = deadline;
    const end = () => {
      deadline.clear();
      underWay.delete(deadline);
    };
    underWay.add(deadline);
    signal.addEventListener("abort", end, { once: true });
    function explain(error: unknown, host: string): unknown {
      if (deadline.hasPassed()) return new RequestTimedOut(url.host, timeoutMs);
      return signal.aborted ? signal.reason : explainFetchError(error, host);
    }

    try {
      const { response, host } = await exchange(url, headers, request, signal);
      const tooLarge = () => new ResponseTooLarge(host, maxBytes);
      const announced = Number(response.headers.get("content-length"));
      if (response.body !== null && announced > maxBytes) throw tooLarge();
      return toBoundedResponse(response, {
        maxBytes,
        tooLarge,
        explain: (error) => {
          const cause = explain(error, host);
          request.onBodyFailure?.(cause);
          return cause;
        },
        onEnd: end,
      });
    } catch (error) {
      const cause = explain(error, url.host);
      deadline.abort(cause);
      if (cause instanceof AddressRefused) {
        const { host, address: refused, reason } = cause;
        log.warn({ host, address: refused, reason }, "refused an outgoing request of a run");
      }
      throw cause;
    }
  }

  /** One request, and those its redirects lead to. */
  async function exchange(
    first: URL,
    firstHeaders: Headers,
    request: OutgoingRequest,
    signal: AbortSignal,
  ): Promise<{ response: UndiciResponse; host: string }> {
    let url = first;
    let headers = firstHeaders;
    let { method = "GET", body } = request;
    for (let redirects = 0; ; redirects += 1) {
      signal.throwIfAborted();
      const response = await fetch(url, {
        method,
        headers: [...headers],
        ...(body !== undefined && { body }),
        redirect: "manual",
        signal,
        dispatcher: agent,
      }).catch((error: unknown) => {
        throw explainFetchError(error, url.host);
      });
      const location = response.headers.get("location");
      const isRedirect = REDIRECTS.has(response.status) && location !== null;
      if (!isRedirect || request.followRedirects !== true) return { response, host: url.host };

      await response.body?.cancel();
      if (redirects === OUTGOING_LIMITS.redirects) {
        throw new TooManyRedirects(first.host, OUTGOING_LIMITS.redirects);
      }
      const next = readUrl(location, url);
      if (next.origin !== url.origin) headers = withoutCredentials(headers);
      if (dropsBody(response.status, method)) {
        method = "GET";
        body = undefined;
        headers.delete("content-type");
      }
      url = next;
    }
  }

  return {
    fetch: fetchFromRun,
    async close() {
      isClosed = true;
      for (const deadline of underWay) deadline.abort(new OutgoingClosed());
      await agent.destroy();
    },
  };
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Source: Fetch standard, HTTP-redirect fetch, step 12. */
function dropsBody(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

/** Any header may be a key (`x-api-key`), so only those that surely are not go to another origin. */
const HARMLESS_HEADERS = new Set(["accept", "accept-language", "content-type", "user-agent"]);

function withoutCredentials(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => HARMLESS_HEADERS.has(name)));
}

function readUrl(address: string | URL, base?: URL): URL {
  const text = String(address);
  const host = base?.host ?? "";
  const whose = base === undefined ? "The address" : `The address that ${host} redirects to`;
  if (!URL.canParse(text, base?.href)) throw new RequestInvalid(host, `${whose} is not a URL`);
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new RequestInvalid(host, `${whose} does not begin with https:// or http://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new RequestInvalid(
      url.host,
      `${whose} (host ${url.host}) holds a user name or password; send credentials in a header`,
    );
  }
  return url;
}

/** Checked here, because an HTTP library would repeat a bad value, which may be a secret, in its error. */
function readHeaders(url: URL, headers: OutgoingRequest["headers"]): Headers {
  try {
    return new Headers(headers);
  } catch {
    throw new RequestInvalid(
      url.host,
      `A header for ${url.host} has a name or value that HTTP cannot send, such as a line break`,
    );
  }
}

/** Our own error, if the library wrapped one, or what is known about the failure. */
function explainFetchError(error: unknown, host: string): unknown {
  let innermost = error;
  for (let depth = 0; innermost instanceof Error && depth < 8; depth += 1) {
    if (innermost instanceof OutgoingRequestError) return innermost;
    if (innermost.cause === undefined) break;
    innermost = innermost.cause;
  }
  const code = innermost instanceof Error && "code" in innermost ? innermost.code : undefined;
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return new ResponseTooLarge(host, OUTGOING_LIMITS.responseBytes);
  }
  const message = innermost instanceof Error ? innermost.message : String(innermost);
  const detail = typeof code === "string" ? code : message;
  return new HostUnreachable(host, `${host} could not be reached (${detail})`, {
    cause: innermost,
  });
}
