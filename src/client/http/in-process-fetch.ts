import type { Fetch } from "./fetch.ts";
import { onAbort, unlessAborted } from "../../runtime/on-abort.ts";

/**
 * Requests to a handler in the same process, without a port. An abort reaches the handler through its request's
 * signal, and ends the wait for the answer and the reading of its body whether or not the handler takes notice.
 */
export function createInProcessFetch(
  handler: (request: Request) => Promise<Response> | Response,
): Fetch {
  return async (url, init) => {
    const { signal } = init;
    signal?.throwIfAborted();
    const answer = Promise.resolve(handler(new Request(url, init)));
    const response = await cancelIfAborted(answer, signal);
    return {
      status: response.status,
      headers: response.headers,
      body: response.body === null ? null : readUntilAborted(response.body, signal),
    };
  };
}

/** Waits for the answer; after an abort its body is cancelled when it comes. */
async function cancelIfAborted(
  answer: Promise<Response>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await unlessAborted(answer, signal);
  } catch (error) {
    // An answer that comes too late must not keep its producer busy; an error of it is no longer of interest.
    answer.then((response) => response.body?.cancel()).catch(() => undefined);
    throw error;
  }
}

function readUntilAborted(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const reader = body.getReader();
  // Cancelling a stream that has failed rejects with that failure; its reader has seen it already.
  const cancel = () => void reader.cancel(signal?.reason).catch(() => undefined);
  // Listen from now on, not from the first read: an answer that is never read must end too.
  const stopListening = onAbort(signal, cancel);
  return (async function* () {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        signal?.throwIfAborted();
        if (done) return;
        yield value;
      }
    } finally {
      stopListening();
      cancel();
    }
  })();
}
