export interface FetchInit {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

/** The part of a `Response` the client reads; undici's and the global one both fit. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/**
 * The request had no effect, because not a single byte of it was written to an open connection. `cause` says why. A
 * `Fetch` that cannot be sure of this rejects with another error.
 */
export class RequestNotSent extends Error {
  override readonly name = "RequestNotSent";

  constructor(cause: unknown) {
    super("The request was not sent", { cause });
  }
}

/**
 * How requests leave the client. An abort must end the request and the reading of its body at once. Redirects are not
 * followed: the API has none, and following one would hand the API key to whatever address the answer names.
 */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;
