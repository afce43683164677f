import { Readable, pipeline } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Dispatcher } from "undici";
import { type ArrivingBody, createArrivingBody } from "./body-stream.ts";
import { type Fetch, type FetchInit, type FetchResponse, RequestNotSent } from "./fetch.ts";
import { ClientLimits } from "../limits.ts";
import { onAbort } from "../../runtime/on-abort.ts";
import { createProxiedAgent } from "./proxied-agent.ts";
import { NO_PROXIES, type Proxies } from "./proxies.ts";

/** A connection that takes longer than this to stand is reported as unreachable. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The client bounds every exchange itself; this only catches what it would miss, so it lies beyond the longest. */
const HEADERS_TIMEOUT_MS =
  ClientLimits.longPollMaxSeconds * 1_000 + 2 * ClientLimits.longPollGraceMs;

/** The encodings that {@link decodeBody} can read. */
const ACCEPTED_ENCODINGS = "br, gzip, deflate";

/** Decoded data is passed on at once: an event must not wait for the next one. */
const ZLIB = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
};

export interface UndiciFetch {
  fetch: Fetch;
  /** Ends the requests under way and closes every connection. */
  close(): Promise<void>;
}

/** Requests over the network, with connections of their own: no other code's limits apply to them. */
export function createUndiciFetch(proxies: Proxies = NO_PROXIES): UndiciFetch {
  const agent = createProxiedAgent(proxies, {
    connectMs: CONNECT_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // The client watches streams for silence; undici's own limit of 300 s would cut quiet ones.
    bodyTimeout: 0,
  });
  return {
    fetch: (url, init) => exchange(agent, url, init),
    close: () => agent.destroy(),
  };
}

/**
 * One request and its answer. Below undici's own `fetch`, which costs more than the rest of a call together and holds
 * several kilobytes for each answer that is waited for.
 */
function exchange(
  agent: Dispatcher,
  url: string,
  { method, headers, body, signal }: FetchInit,
): Promise<FetchResponse> {
  const { origin, pathname, search } = new URL(url);
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    let request: Dispatcher.DispatchController | undefined;
    let answer: ArrivingBody | undefined;
    let stopListening = () => {};
    let failure: { error: unknown } | null = null;
    let hasArrived = false;
    let isWritten = false;

    function fail(error: unknown): void {
      failure = { error };
      stopListening();
      reject(isWritten ? error : new RequestNotSent(error));
      answer?.fail(error);
    }
    function leave(): void {
      stopListening();
      if (!hasArrived) request?.abort(new Error("The rest of the answer is not wanted"));
    }

    // Out of the reach of an answer's headers, which would live as long as its body otherwise.
    const source = {
      pause: () => request?.pause(),
      resume: () => request?.resume(),
      leave,
    };

    stopListening = onAbort(signal, () => {
      fail(signal?.reason);
      leave();
    });
    agent.dispatch(
      {
        origin,
        path: pathname + search,
        method,
        headers: { "accept-encoding": ACCEPTED_ENCODINGS, ...headers },
        ...(body === undefined ? {} : { body }),
      },
      {
        // The connection stands, its TLS and a proxy's tunnel included, and the next thing is to write the request.
        onRequestStart(started) {
          request = started;
          if (failure === null) isWritten = true;
          else leave();
        },
        onResponseStart(begun, status, answerHeaders) {
          // 100 and 103: the answer is still to come.
          if (status < 200) return;
          // Ten buffers in a form that is not read here, held for as long as the answer lasts.
          begun.rawHeaders = null;
          const arriving = createArrivingBody(source);
          answer = arriving;
          const get = (name: string) => headerText(answerHeaders[name.toLowerCase()]);
          resolve({
            status,
            headers: { get },
            body: decodeBody(arriving, get("content-encoding")),
          });
        },
        onResponseData(_request, chunk) {
          answer?.push(chunk);
        },
        onResponseEnd() {
          hasArrived = true;
          answer?.end();
        },
        onResponseError(_request, error) {
          if (failure === null) fail(error);
        },
      },
    );
  });
}

function headerText(value: string | string[] | undefined): string | null {
  return typeof value === "object" ? value.join(", ") : (value ?? null);
}

/** The decompressed body; unchanged if `encoding` is not one that we accept. */
function decodeBody(
  body: AsyncIterable<Uint8Array>,
  encoding: string | null,
): AsyncIterable<Uint8Array> {
  const decoder = createDecoder(encoding);
  if (decoder === null) return body;
  // The reader of the decoder gets its errors, and those of the body.
  pipeline(Readable.from(body), decoder, () => {});
  return decoder;
}

function createDecoder(encoding: string | null) {
  switch (encoding?.trim().toLowerCase()) {
    case "gzip":
    case "x-gzip":
      return createGunzip(ZLIB);
    case "deflate":
      return createInflate(ZLIB);
    case "br":
      return createBrotliDecompress(BROTLI);
    default:
      return null;
  }
}
